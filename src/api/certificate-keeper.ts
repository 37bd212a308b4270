import { watch } from 'node:fs'
import { dirname } from 'node:path'
import { certificateOf, readPair } from './certificate.ts'
import { ListenError } from './listen-error.ts'
import type { FSWatcher } from 'node:fs'
import type { Certificate, CertificateFiles, PemPair } from './certificate.ts'
import type { ApiLog } from './context.ts'

/** Where nothing tells of changes (network file systems), they are seen after so many ms. */
const POLL_MS = 60_000
/** Certificate and key are two files: whoever writes both has so many ms for it before we look. */
const SETTLE_MS = 250
/** A certificate that is to expire so soon should have been renewed, in ms. */
const SOON_MS = 14 * 24 * 3_600_000
/** That is said so often, in ms. */
const SAY_MS = 24 * 3_600_000

/** What a {@link CertificateKeeper} works with. */
export interface KeeperParts {
  readonly log: ApiLog
  /** Told of each new certificate. */
  readonly onChange: (certificate: Certificate) => void
  /** The clock, in ms since 1970. */
  readonly now?: () => number
}

/** Keeps a certificate as it is in its files. A pair that cannot be used changes nothing, and is logged once. */
export class CertificateKeeper implements Disposable {
  readonly #files: CertificateFiles
  readonly #parts: Required<KeeperParts>
  readonly #watchers: FSWatcher[] = []
  readonly #timer: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined
  /** What the files held when they were last read. */
  #seen: PemPair
  #complaint: string | undefined
  #certificate: Certificate
  #saidAt = -Infinity
  #checking: Promise<void> = Promise.resolve()

  private constructor(files: CertificateFiles, parts: Required<KeeperParts>, first: First) {
    this.#files = files
    this.#parts = parts
    this.#seen = first.pair
    this.#certificate = first.certificate
    this.#timer = setInterval(() => void this.check(), POLL_MS)
    for (const path of new Set([dirname(files.certificate), dirname(files.key)])) this.#watch(path)
    this.#warnWhenOld()
  }

  /** @throws ListenError when the pair cannot be used */
  static async open(files: CertificateFiles, parts: KeeperParts): Promise<CertificateKeeper> {
    const whole = { now: Date.now, ...parts }
    const pair = await readPair(files)
    const certificate = certificateOf(pair, files, whole.now())
    return new CertificateKeeper(files, whole, { pair, certificate })
  }

  get certificate(): Certificate {
    return this.#certificate
  }

  /** Looks at the files, after whoever is looking at them now. */
  check(): Promise<void> {
    return (this.#checking = this.#checking.then(() => this.#check()))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers) watcher.close()
  }

  async #check(): Promise<void> {
    const { log, now, onChange } = this.#parts
    try {
      const pair = await readPair(this.#files)
      const isSame = pair.cert.equals(this.#seen.cert) && pair.key.equals(this.#seen.key)
      if (isSame && this.#complaint === undefined) return this.#warnWhenOld()
      this.#certificate = certificateOf(pair, this.#files, now())
      this.#complaint = undefined
      this.#seen = pair
      this.#saidAt = -Infinity
      onChange(this.#certificate)
      log.info({ until: new Date(this.#certificate.until) }, 'the certificate was read anew')
      this.#warnWhenOld()
    } catch (error) {
      if (!(error instanceof ListenError)) throw error
      if (this.#complaint !== error.message)
        log.error(`the certificate stays as it was: ${error.message}`)
      this.#complaint = error.message
    }
  }

  #warnWhenOld(): void {
    const { log, now } = this.#parts
    const left = this.#certificate.until - now()
    if (left > SOON_MS || now() - this.#saidAt < SAY_MS) return
    this.#saidAt = now()
    const until = new Date(this.#certificate.until)
    const what = left < 0 ? 'has expired: clients refuse it' : 'expires soon'
    log.warn({ until }, `http.tls.certificate: ${this.#files.certificate} ${what}`)
  }

  /** The directories, for certificates are replaced by renaming, and in Kubernetes by links. */
  #watch(directory: string): void {
    const later = (): void => {
      clearTimeout(this.#settling)
      this.#settling = setTimeout(() => void this.check(), SETTLE_MS)
    }
    const give = (error: Error): void =>
      this.#parts.log.debug({ err: error }, 'certificates are looked at once a minute only')
    try {
      const watcher = watch(directory, later)
      watcher.on('error', give)
      this.#watchers.push(watcher)
    } catch (error) {
      // The system has no more watches to give (ENOSPC, EMFILE): then there is the timer.
      if ((error as NodeJS.ErrnoException).syscall !== 'watch') throw error
      give(error as Error)
    }
  }
}

interface First {
  readonly pair: PemPair
  readonly certificate: Certificate
}
