import { z } from 'zod'
import { parseHostName, parseHostPort } from './address.ts'
import { parseTrustedRange } from './address-range.ts'
import { listOf, mapOf, quantity, text } from './fields.ts'
import { parseNamespace, parsePrefix } from './namespaces.ts'
import { parsePath } from './path.ts'
import { InvalidValue, quote } from './value.ts'

function parseTlsVersion(version: string): 1.2 | 1.3 {
  if (version === '1.2') return 1.2
  if (version === '1.3') return 1.3
  throw new InvalidValue(`is ${quote(version)}: the oldest version of TLS may be 1.2 or 1.3`)
}

const tls = z.strictObject({
  certificate: text(parsePath)
    .nullable()
    .prefault(null)
    .describe('A PEM file with the certificate and those above it; null: plain HTTP.'),
  key: text(parsePath)
    .nullable()
    .prefault(null)
    .describe('The PEM file with its private key, without a passphrase.'),
  minVersion: quantity(parseTlsVersion)
    .prefault('1.2')
    .describe('The oldest version of TLS that clients may speak: 1.2 or 1.3.'),
})

/** Section `http`. */
export const http = z.strictObject({
  addr: text(parseHostPort)
    .prefault('127.0.0.1:5000')
    .describe('Where the registry listens, as host:port; port 0 picks a free one.'),
  hosts: listOf(parseHostName)
    .prefault([])
    .describe(
      'Host names, besides localhost and IP addresses, that clients may use without authentication.',
    ),
  namespaces: mapOf(parseNamespace, parsePrefix)
    .prefault({})
    .describe(
      'Registries that containerd may pull through here (its ns), each with the prefix under which it is kept; {}: ns is ignored.',
    ),
  tls: tls.prefault({}).describe('TLS on this port.'),
  trustProxy: listOf(parseTrustedRange)
    .prefault([])
    .describe(
      'Proxies, as IP addresses or ranges like 10.0.0.0/8, whose X-Forwarded-For, -Proto and -Host are believed.',
    ),
})
