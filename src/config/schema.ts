import { z } from 'zod'
import { parseHostName, parseHostPort } from './address.ts'
import { parseNamespace, parsePrefix } from './namespaces.ts'
import { parseMirrorName } from './mirror-name.ts'
import { parseListenAddress, parsePeerAddress } from './multiaddrs.ts'
import { parseDuration, parseRate, parseSize } from './quantity.ts'
import { InvalidValue, quote } from './value.ts'

export type { MirrorName } from './mirror-name.ts'

type Parse<T> = (text: string) => T

/** What the parser makes of the text; its complaint becomes an issue of the schema. */
function attempt<T>(
  parse: Parse<T>,
  value: string,
  context: z.RefinementCtx,
  path: PropertyKey[] = [],
) {
  try {
    return parse(value)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    context.addIssue({ code: 'custom', path, message: error.message })
    return z.NEVER
  }
}

/** Text that one of our parsers turns into a value. */
function text<T>(parse: Parse<T>) {
  return z.string().transform((value, context) => attempt(parse, value, context))
}

/** The same, where YAML may take the text for a number. */
function quantity(parse: Parse<number>) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => attempt(parse, String(value), context))
}

/** A list of such texts, in which nothing is named twice (in whatever spelling). */
function listOf<T>(parse: Parse<T>) {
  return z.array(z.string()).transform((texts, context) => {
    const seen = new Map<string, number>()
    return texts.map((entry, index) => {
      const value = attempt(parse, entry, context, [index])
      if (value === z.NEVER) return value
      const id = JSON.stringify(value)
      const first = seen.get(id)
      if (first === undefined) seen.set(id, index)
      else
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `is the same as entry ${first + 1}: remove one`,
        })
      return value
    })
  })
}

/** Keys and values that are both texts; keys that mean the same stand there once. */
function mapOf(parseKey: Parse<string>, parseValue: Parse<string>) {
  return z.record(z.string(), z.string()).transform((entries, context) => {
    const map: Record<string, string> = {}
    for (const [text, inner] of Object.entries(entries)) {
      const key = attempt(parseKey, text, context, [text])
      const value = attempt(parseValue, inner, context, [text])
      if (key === z.NEVER || value === z.NEVER) continue
      if (Object.hasOwn(map, key))
        context.addIssue({
          code: 'custom',
          path: [text],
          message: `is there twice, in another case: remove one`,
        })
      map[key] = value
    }
    return map
  })
}

function parsePath(path: string): string {
  if (path.trim() === '' || path.includes('\0')) throw new InvalidValue('is empty: write a path')
  if (/^~(\/|$)/.test(path))
    throw new InvalidValue(`is ${quote(path)}: ~ is not expanded, write the whole path`)
  return path
}

function parseKeyName(name: string): string {
  if (name === 'self')
    throw new InvalidValue(`is "self", the node's own identity: choose another name`)
  if (/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/.test(name)) return name
  throw new InvalidValue(
    `is ${quote(name)}: a key's name has 1 to 64 of the characters a-z A-Z 0-9 . _ -`,
  )
}

const http = z.strictObject({
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
})

const storage = z.strictObject({
  path: text(parsePath)
    .prefault('./data')
    .describe('The data directory, made at first start with mode 0700.'),
  delete: z
    .strictObject({
      enabled: z
        .boolean()
        .prefault(true)
        .describe('Whether clients may delete tags, manifests and blobs.'),
    })
    .prefault({})
    .describe('Deletes.'),
  validation: z
    .enum(['strict', 'sparse'])
    .prefault('strict')
    .describe(
      'strict: a manifest needs all its blobs here; sparse: it may name blobs that are not here.',
    ),
})

const ipns = z.strictObject({
  writeKey: text(parseKeyName)
    .nullable()
    .prefault('registry')
    .describe(
      "The key in this node's keychain that publishes the registry, made at first start; null: a read-only node.",
    ),
  readOnlyKeys: listOf(parseMirrorName)
    .prefault([])
    .describe(
      'Registries to mirror, in order: IPNS names (k51…, /ipns/…) or, in public mode, DNSLink domains.',
    ),
  lifetime: quantity(parseDuration)
    .prefault('365d')
    .describe('How long a published record stays valid without us, like 365d or 48h.'),
})

const keys = z.strictObject({
  passwordFile: text(parsePath)
    .nullable()
    .prefault(null)
    .describe(
      'A file with the password of the keychain; null: a generated one, kept in the data directory.',
    ),
})

const network = z.strictObject({
  mode: z
    .enum(['public', 'lan', 'private', 'offline'])
    .prefault('lan')
    .describe(
      'Whom this node talks to: the whole world, the local network, a swarm with a key, or this machine.',
    ),
  listen: listOf(parseListenAddress)
    .nullable()
    .prefault(null)
    .describe(
      "Multiaddrs to listen on; null: the mode's own, /ip4/0.0.0.0/tcp/4001 (offline: loopback, a free port).",
    ),
  peers: listOf(parsePeerAddress)
    .prefault([])
    .describe('Multiaddrs with /p2p/… of peers that are kept connected.'),
  swarmKey: text(parsePath)
    .nullable()
    .prefault(null)
    .describe("The swarm key's file (private mode), as Kubo has it."),
})

const limits = z.strictObject({
  blob: quantity(parseSize)
    .prefault('100GiB')
    .describe('The largest blob that is accepted, like 100GiB.'),
  peerRate: quantity(parseRate)
    .nullable()
    .prefault(null)
    .describe('Bytes a second that another node gets of us at most, like 50MiB; null: no limit.'),
})

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .describe('The least important messages that are written.'),
  format: z
    .enum(['auto', 'pretty', 'json'])
    .prefault('auto')
    .describe('auto: pretty on a terminal, JSON otherwise.'),
})

/** The reference of every option: its name, its form, its default (as it would be written) and what it means. */
export const schema = z.strictObject({
  http: http.prefault({}).describe('The registry API.'),
  storage: storage.prefault({}).describe('The data on disk.'),
  ipns: ipns.prefault({}).describe('Names on the network: our own and those we mirror.'),
  keys: keys.prefault({}).describe('The private keys.'),
  network: network.prefault({}).describe('The IPFS network.'),
  limits: limits.prefault({}).describe('What a client may use up.'),
  log: log.prefault({}).describe('Messages.'),
})

/** What the schema makes of the input: sizes in bytes, durations in milliseconds, addresses and names parsed. */
export type ParsedConfig = z.output<typeof schema>

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

/** A keychain password from the environment. Not enumerable, so that no dump of the configuration shows it. */
interface KeyPassword {
  readonly keys: { readonly password?: string }
}

/**
 * The configuration as the rooms get it. Paths are absolute, `limits.blob` is bytes, `ipns.lifetime` milliseconds,
 * and `null` means what the option's description says.
 */
export type Config = DeepReadonly<ParsedConfig> & KeyPassword
