import { z } from 'zod'
import { parsePath } from './path.ts'
import { listOf, quantity, text } from './fields.ts'
import { parseTokenLifetime } from './quantity.ts'
import { InvalidValue, quote } from './value.ts'

function parseRealm(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isGood =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.hash === ''
  if (isGood && !/["\\\s]/.test(text)) return text
  // What stands before an @ may be a password.
  const shown = text.replace(/^([a-z]+:\/\/)?.*@/is, '$1…@')
  throw new InvalidValue(
    `is ${quote(shown)}: write a whole URL without a user, like https://auth.example.com/token`,
  )
}

function parseWord(text: string): string {
  if (/^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(text)) return text
  throw new InvalidValue(
    `is ${quote(text)}: write 1 to 255 printable characters without spaces and quotes`,
  )
}

const token = z.strictObject({
  realm: text(parseRealm)
    .nullable()
    .prefault(null)
    .describe(
      'Where clients get tokens; null: /v2/token of this registry, as the client reached it.',
    ),
  service: text(parseWord)
    .prefault('heliport')
    .describe('What this registry is called in tokens (their audience).'),
  issuer: text(parseWord)
    .nullable()
    .prefault(null)
    .describe('Who signs the tokens of another token service, as they name it; null: we do.'),
  keys: listOf(parsePath)
    .prefault([])
    .describe(
      "Files with another token service's public keys (PEM, or a JWK set); []: we sign ourselves.",
    ),
  lifetime: quantity(parseTokenLifetime)
    .prefault('5m')
    .describe('How long a token of ours is valid.'),
})

/** The section `auth`: who asks. */
export const auth = z.strictObject({
  mode: z
    .enum(['open', 'htpasswd', 'token'])
    .prefault('open')
    .describe(
      'open: nobody is asked who he is; htpasswd: name and password; token: the same for tokens of short life, with which anonymous pulls can live together.',
    ),
  openToAll: z
    .boolean()
    .prefault(false)
    .describe(
      'Whether mode open may be reached from other machines, by an address, a name or a proxy: all of them can then push.',
    ),
  plainHttp: z
    .boolean()
    .prefault(false)
    .describe(
      'Whether passwords and tokens may come from other machines without TLS, to be read on their way.',
    ),
  htpasswd: text(parsePath)
    .nullable()
    .prefault(null)
    .describe('The file of users and their bcrypt hashes; heliport user add writes it.'),
  token: token.prefault({}).describe('Mode token.'),
})
