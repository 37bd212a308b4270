import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/*
 * How clients reach the daemons of a run: over plain HTTP, which they have to be told, or over TLS, with a certificate of an
 * authority that they know.
 */

/** Daemons that speak TLS, as `127.0.0.1:<port>`. */
const secure = new Set<string>()

/**
 * Makes us, and all programs in Go that we start from now on, know an authority.
 *
 * @param file its certificate, in PEM
 */
export function trustAuthority(file: string): void {
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')])
  process.env['SSL_CERT_FILE'] = file
}

/** From now on it is spoken to over TLS. */
export function speaksTls(host: string): void {
  secure.add(host)
}

/** Where the registry of a daemon is. */
export function urlOf(host: string): string {
  return `${secure.has(host) ? 'https' : 'http'}://${host}`
}

/** The certificate of the authority that clients know, as the path of a PEM file. */
export function knownAuthority(): string {
  return process.env['SSL_CERT_FILE'] ?? ''
}

/** Whether a daemon speaks TLS. */
export function isSecure(host: string): boolean {
  return secure.has(host)
}

/** What tells a client that there is no TLS: nothing where there is. */
export function plainHttp(host: string, ...flags: readonly string[]): readonly string[] {
  return secure.has(host) ? [] : flags
}
