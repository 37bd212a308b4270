import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The secrets of the test of the logs, each to be found nowhere. None is a word that could be there by chance. */
export const SECRETS = {
  password: 'Pw-7f3kq9-basic',
  malformed: 'Pw-2m8xw4-malformed',
  bearer: 'eyJhbGciOiJub25lIn0.Tok-5h1vz6.c2ln',
  proxy: 'Pw-9c4rt2-proxy',
  cookie: 'Ck-3n7yb5-session',
  query: 'Tok-8d2jm1-query',
  identityToken: 'Tok-6w9sp3-identity',
  userinfo: 'Pw-4g5lx8-userinfo',
  target: 'Pw-1k6hv7-absolute',
  referer: 'Pw-5t3nc9-referer',
  body: 'Pw-8r2zd4-body',
  method: 'PW-6Q1JF5-METHOD',
  keychain: 'Pw-7y9we3-keychain-of-the-node',
  registryVariable: 'Pw-3u4gk2-unknown-variable',
  right: 'Pw-2c8mt6-is-right',
  wrong: 'Pw-9e5vn1-is-wrong',
  refresh: 'Rt-4j7qd3-refresh',
  short: 'Pw-5z2hx-short',
  configured: 'Pw-6s1bz8-in-the-configuration',
} as const

/** What is shorter may be anywhere by chance. */
const LEAST = 12

/** A secret as it may stand in a line: as it is, in base64 (whatever stands before it), and percent-encoded. */
export function formsOf(secret: string): string[] {
  const shifted = ['', 'a', 'ab'].map((before) => {
    const text = Buffer.from(before + secret).toString('base64')
    // The ends also hold bits of what is beside it.
    return text.slice(before.length === 0 ? 0 : before.length + 1, -4)
  })
  return [secret, secret.toLowerCase(), encodeURIComponent(secret), ...shifted]
}

/** Which secrets are in a text, by their names. */
export function secretsIn(text: string, secrets: Readonly<Record<string, string>>): string[] {
  for (const [name, secret] of Object.entries(secrets))
    if (secret.length < LEAST) throw new Error(`${name} is too short to be looked for`)
  // Bytes are written as objects too: `{"0":17,"1":4}`.
  const texts = [text, text.replaceAll(/"\d+":/g, '')]
  return Object.entries(secrets)
    .filter(([, secret]) =>
      formsOf(secret).some((form) => texts.some((each) => each.includes(form))),
    )
    .map(([name]) => name)
}

/**
 * Secret bytes, such as those of a key, as a text may hold a part of them: in hexadecimal, in base64 (whatever stands
 * before them), and as a list of numbers.
 */
export function partsOf(name: string, bytes: Uint8Array): Record<string, string> {
  const base64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    // The ends also hold bits of what is beside it.
    const inner = text.slice(shift === 0 ? 0 : shift + 1, -4)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const forms = [Buffer.from(bytes).toString('hex'), [...bytes].join(','), ...base64]
  return Object.fromEntries(forms.map((form, index) => [`${name} (form ${index + 1})`, form]))
}

/** The secret number of a private key in PEM, and a line of its text. */
export function partsOfKey(name: string, pem: string): Record<string, string> {
  const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' })
  const [, line = ''] = pem.split('\n')
  return { ...partsOf(name, Buffer.from(String(d), 'base64url')), [`${name}, a line`]: line }
}

/** All that an audit log in two files says: what was done, and what was refused. */
export async function auditText(file: string): Promise<string> {
  const files = [file, file.replace(/\.log$/, '.refusals.log')]
  return (await Promise.all(files.map((each) => readFile(each, 'utf8')))).join('')
}
