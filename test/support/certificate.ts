import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Its certificate and its key, as the paths of PEM files. */
interface Pair {
  readonly certificate: string
  readonly key: string
}

/** It signs no others. */
const LEAF = 'basicConstraints=critical,CA:FALSE'

/** Certificates for specs, made by openssl, in a directory that goes with them. */
export class Certificates implements AsyncDisposable {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static async open(): Promise<Certificates> {
    return new Certificates(await mkdtemp(join(tmpdir(), 'heliport-tls-')))
  }

  /** A certificate of 30 days for `name`, and its key. @param by who signs it; without one, it signs itself */
  async make(name: string, by?: Pair): Promise<Pair> {
    const [key, certificate] = [this.path(`${name}.key`), this.path(`${name}.crt`)]
    const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const signed = by && ['-CA', by.certificate, '-CAkey', by.key]
    const subject = [...names, ...(signed ? [...signed, '-addext', LEAF] : [])]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const files = ['-keyout', key, '-out', certificate]
    await run('openssl', ['req', '-x509', ...curve, ...files, '-days', '30', ...subject])
    return { certificate, key }
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }
}
