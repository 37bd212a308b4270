import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { ListenError } from './listen-error.ts'
import type { KeyObject } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'

/** Where a certificate and its key are. */
export interface CertificateFiles {
  /** PEM: the certificate, then those above it. */
  readonly certificate: string
  /** PEM, without a passphrase. */
  readonly key: string
  /** The oldest version of TLS. */
  readonly minVersion: 1.2 | 1.3
}

/** A pair that TLS can be spoken with. */
export interface Certificate {
  readonly options: SecureContextOptions
  /** The last moment of its validity, in ms since 1970. */
  readonly until: number
}

/**
 * Mozilla's "intermediate" configuration (version 5.7) without its two DHE suites, which need parameters of their own and
 * which no registry client is without ECDHE for: forward secrecy and authenticated encryption, always.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** What the files hold now: compared to find out whether they have changed. */
export interface PemPair {
  readonly cert: Buffer
  readonly key: Buffer
}

/** @throws ListenError naming the option and the file that cannot be read */
export async function readPair({ certificate, key }: CertificateFiles): Promise<PemPair> {
  return {
    cert: await read('http.tls.certificate', certificate),
    key: await read('http.tls.key', key),
  }
}

/**
 * Checks a pair.
 *
 * @param now in ms since 1970
 * @throws ListenError naming the option and the file that is wrong
 */
export function certificateOf(pair: PemPair, files: CertificateFiles, now: number): Certificate {
  const [wrongCertificate, wrongKey] = [
    complain('http.tls.certificate', files.certificate),
    complain('http.tls.key', files.key),
  ]
  const leaf = attempt(
    () => new X509Certificate(pair.cert),
    wrongCertificate('is no PEM certificate'),
  )
  const key = keyIn(pair.key, wrongKey)
  if (!leaf.checkPrivateKey(key))
    throw wrongKey(`is not the key of the certificate in ${files.certificate}`)()
  const [from, until] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  if (now > until) throw wrongCertificate(`has expired, on ${leaf.validTo}: renew it`)()
  if (now < from)
    throw wrongCertificate(`is valid only from ${leaf.validFrom}: is the clock right?`)()
  const options: SecureContextOptions = {
    ...pair,
    ciphers: CIPHERS,
    honorCipherOrder: false,
    minVersion: files.minVersion === 1.3 ? 'TLSv1.3' : 'TLSv1.2',
  }
  attempt(() => createSecureContext(options), wrongCertificate('cannot be used'))
  return { options, until }
}

function keyIn(pem: Buffer, wrong: Complaint): KeyObject {
  if (/-----BEGIN ENCRYPTED|^Proc-Type:.*ENCRYPTED/m.test(pem.toString('latin1')))
    throw wrong('is encrypted: write it without a passphrase, readable by this user only')()
  return attempt(() => createPrivateKey(pem), wrong('is no PEM private key'))
}

type Complaint = (what: string) => (cause?: unknown) => ListenError

function complain(option: string, file: string): Complaint {
  return (what) => (cause) => {
    const why = cause instanceof Error ? ` (${cause.message.split('\n')[0]})` : ''
    return new ListenError(`${option}: ${file} ${what}${why}`, { cause })
  }
}

/** OpenSSL's errors have codes of all kinds; whatever it says of these bytes, they are what is wrong. */
function attempt<T>(work: () => T, wrong: (cause: unknown) => ListenError): T {
  try {
    return work()
  } catch (error) {
    throw wrong(error)
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'does not exist: check the path',
  EACCES: 'may not be read by this user: check its permissions',
  EPERM: 'may not be read by this user: check its permissions',
  EISDIR: 'is a directory',
  ENOTDIR: 'does not exist: a part of the path is a file',
}

async function read(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new ListenError(`${option}: ${file} ${REASONS[code] ?? `cannot be read: ${message}`}`, {
      cause: error,
    })
  }
}
