import { z } from 'zod'
import { access } from './access.ts'
import { auth } from './auth.ts'
import { audit } from './audit.ts'
import { listOf, quantity, text } from './fields.ts'
import { http } from './http.ts'
import { limits } from './limits.ts'
import { mirrorList } from './mirror-entry.ts'
import { parsePath } from './path.ts'
import { tagRules } from './retention-tags.ts'
import { repositoryRules } from './repositories.ts'
import { parseListenAddress, parsePeerAddress } from './multiaddrs.ts'
import { parseAge, parseDuration, parseInterval, parseLease, parseSize } from './quantity.ts'
import { signatureRules } from './signatures.ts'
import { InvalidValue, quote } from './value.ts'

export type { MirrorEntry } from './mirror-entry.ts'
export type { MirrorName } from './mirror-name.ts'

function parseKeyName(name: string): string {
  if (name === 'self')
    throw new InvalidValue(`is "self", the node's own identity: choose another name`)
  if (/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/.test(name)) return name
  throw new InvalidValue(
    `is ${quote(name)}: a key's name has 1 to 64 of the characters a-z A-Z 0-9 . _ -`,
  )
}

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
  cache: quantity(parseSize)
    .nullable()
    .prefault(null)
    .describe(
      'What blobs of lazy mirrors may take, like 50GiB: what was not used for the longest time goes first; null: all is kept.',
    ),
})

const retention = z.strictObject({
  untagged: quantity(parseAge)
    .nullable()
    .prefault(null)
    .describe('How long a manifest without a tag is kept, like 30d; null: for ever.'),
  tags: tagRules()
    .prefault([])
    .describe(
      'Rules of which tags are kept: of those that match, the newest; a tag that no rule matches stays.',
    ),
  referrers: z
    .boolean()
    .prefault(true)
    .describe(
      'Whether what refers to a manifest that is kept (signatures, SBOMs) is kept without a tag.',
    ),
  history: quantity(parseAge)
    .prefault('7d')
    .describe(
      'How long the registry as it was before a change can be read, compared and brought back.',
    ),
  commits: z
    .int()
    .min(1)
    .max(1_000_000)
    .prefault(10_000)
    .describe('How many changes are remembered at most.'),
  lease: quantity(parseLease)
    .prefault('1h')
    .describe(
      'How long what a client was told to be here stays, though nothing refers to it yet: longer than a push may pause.',
    ),
})

const gc = z.strictObject({
  interval: quantity(parseInterval)
    .nullable()
    .prefault('24h')
    .describe('How often garbage is collected; null: only by heliport gc.'),
})

const scrub = z.strictObject({
  interval: quantity(parseInterval)
    .nullable()
    .prefault('30d')
    .describe(
      'In what time every block on the disk is read and checked, over and over; null: only by heliport fsck.',
    ),
  rate: quantity(parseSize)
    .prefault('20MiB')
    .describe('Bytes a second that are read for it at most, like 20MiB.'),
})

const ipns = z.strictObject({
  writeKey: text(parseKeyName)
    .nullable()
    .prefault('registry')
    .describe(
      "The key in this node's keychain that publishes the registry, made at first start; null: a read-only node.",
    ),
  readOnlyKeys: mirrorList()
    .prefault([])
    .describe(
      'Registries to mirror, in order: IPNS names (k51…, /ipns/…) or, in public mode, DNSLink domains; or sections of such a key and how it is mirrored.',
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
  auth: auth.prefault({}).describe('Who asks.'),
  storage: storage.prefault({}).describe('The data on disk.'),
  repositories: repositoryRules()
    .prefault([])
    .describe(
      'Rules about repositories, of which the first that matches counts: sections of match (patterns) and publish; without a rule a repository is published.',
    ),
  retention: retention.prefault({}).describe('What is kept that nothing needs any more.'),
  gc: gc.prefault({}).describe('Garbage collection.'),
  scrub: scrub.prefault({}).describe('Looking for damage in the background.'),
  ipns: ipns.prefault({}).describe('Names on the network: our own and those we mirror.'),
  signatures: signatureRules()
    .prefault([])
    .describe(
      'Repositories of which only what is signed is given out: sections of repositories (patterns) and keys (files of cosign public keys).',
    ),
  keys: keys.prefault({}).describe('The private keys.'),
  access: access.prefault({}).describe('Who may do what.'),
  network: network.prefault({}).describe('The IPFS network.'),
  limits: limits.prefault({}).describe('What a client may use up.'),
  audit: audit.prefault({}).describe('Who changed what, and who was refused.'),
  log: log.prefault({}).describe('Messages.'),
})

/** What the schema makes of the input: sizes in bytes, durations in milliseconds, addresses and names parsed. */
export type ParsedConfig = z.output<typeof schema>

/** Text that carries a brand is an object to the compiler. */
type DeepReadonly<T> = T extends string
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

/** A keychain password from the environment. Not enumerable, so that no dump of the configuration shows it. */
interface KeyPassword {
  readonly keys: { readonly password?: string }
}

/**
 * The configuration as the rooms get it. Paths are absolute, `limits.blob` is bytes, `ipns.lifetime` milliseconds,
 * and `null` means what the option's description says.
 */
export type Config = DeepReadonly<ParsedConfig> & KeyPassword
