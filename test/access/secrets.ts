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
} as const

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
  return Object.entries(secrets)
    .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
    .map(([name]) => name)
}
