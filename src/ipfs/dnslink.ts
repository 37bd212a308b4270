import { Resolver } from 'node:dns/promises'
import { base36 } from 'multiformats/bases/base36'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'

const LIBP2P_KEY = 0x72
/** Domains on the way from the one that was asked for to a name: a chain, not a maze. */
const MAX_HOPS = 4
/** Records of one domain that are looked at, and how long one may be. */
const MAX_RECORDS = 64
const MAX_LENGTH = 512
/** How long one question to one server may take, in milliseconds, and how often it is asked. */
const QUERY_TIMEOUT = 2_000
const TRIES = 2
/** All of a lookup. Milliseconds. */
const DEADLINE = 20_000

export interface DnsOptions {
  readonly signal?: AbortSignal | undefined
  /** `address:port` of the servers that are asked; those of the system when it is absent. */
  readonly servers?: readonly string[] | undefined
  /** How long one question may take, in ms. For tests. */
  readonly timeout?: number | undefined
}

/** Where a DNSLink leads. */
type Target = { readonly name: string } | { readonly domain: string } | undefined

/**
 * The IPNS name (`k51…`) that a domain's `_dnslink` TXT record points to; `undefined` when it points elsewhere, or to
 * more than a name (DNSLink specification). Other domains are followed, a few of them, one after the other.
 *
 * The stock package does not put together records that come in pieces, and asks as often as a hostile zone has it ask.
 *
 * @throws the resolver's error when a domain cannot be looked up, or an error when it leads nowhere
 */
export async function resolveDnsLink(
  domain: string,
  options: DnsOptions = {},
): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: options.timeout ?? QUERY_TIMEOUT, tries: TRIES })
  if (options.servers !== undefined) resolver.setServers([...options.servers])
  const deadline = AbortSignal.timeout(DEADLINE)
  const signal = AbortSignal.any(options.signal ? [options.signal, deadline] : [deadline])
  signal.throwIfAborted()
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await follow(resolver, domain)
  } catch (error) {
    signal.throwIfAborted() // the resolver only knows that it was cancelled
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

async function follow(resolver: Resolver, first: string): Promise<string | undefined> {
  let domain = first
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const target = await lookUp(resolver, domain.replace(/^_dnslink\./, ''))
    if (target === undefined) return undefined
    if ('name' in target) return target.name
    domain = target.domain
  }
  throw new Error(`the DNSLink of ${first} leads from domain to domain (${domain} is the last)`)
}

/** The record is at `_dnslink.`; where nothing is there, older zones have it at the domain itself. */
async function lookUp(resolver: Resolver, domain: string): Promise<Target> {
  const first = `_dnslink.${domain}`
  const records = (await textsOf(resolver, first)) ?? (await textsOf(resolver, domain))
  if (records !== undefined) return targetOf(records)
  const alias = await aliasOf(resolver, first)
  if (alias === undefined)
    throw new Error(`${domain} has no DNSLink: there is no TXT record of ${first}`)
  return { domain: alias }
}

/** The DNSLink records at this name; `undefined` when there is none. */
async function textsOf(resolver: Resolver, name: string): Promise<string[] | undefined> {
  const answers = (await orNothing(resolver.resolveTxt(name))) ?? []
  const texts = answers.slice(0, MAX_RECORDS).map((chunks) => chunks.join(''))
  const links = texts.filter((text) => text.startsWith('dnslink=') && text.length <= MAX_LENGTH)
  return links.length === 0 ? undefined : links
}

/** Most servers follow an alias themselves. */
async function aliasOf(resolver: Resolver, name: string): Promise<string | undefined> {
  const [alias] = (await orNothing(resolver.resolveCname(name))) ?? []
  return alias === undefined ? undefined : domainOf(alias)
}

/** "There is no such thing" is an answer; anything else is not. */
async function orNothing<T>(query: Promise<T>): Promise<T | undefined> {
  try {
    return await query
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTFOUND' || code === 'ENODATA') return undefined
    throw error
  }
}

/** Of several records the first in their order counts, so that the order in which they come does not matter. */
function targetOf(records: readonly string[]): Target {
  for (const record of records.toSorted()) {
    const match = /^dnslink=\/(ipns|dnslink)\/([^/]+)\/*$/.exec(record)
    const [, kind, text = ''] = match ?? []
    const name = kind === 'ipns' ? nameOf(text) : undefined
    if (name !== undefined) return { name }
    const domain = match === null ? undefined : domainOf(text)
    if (domain !== undefined) return { domain }
  }
  return undefined
}

function domainOf(text: string): string | undefined {
  const domain = text.toLowerCase().replace(/\.$/, '')
  return /^(?=.{1,240}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/.test(domain) ? domain : undefined
}

/** A key in any spelling, as its name; `undefined` when it is none. */
function nameOf(text: string): string | undefined {
  try {
    if (/^(12D3|16Uiu2|Qm)/.test(text))
      return CID.createV1(LIBP2P_KEY, decodeMultihash(base58btc.baseDecode(text))).toString(base36)
    const cid = text.startsWith('k') ? CID.parse(text, base36) : CID.parse(text)
    return cid.code === LIBP2P_KEY ? cid.toString(base36) : undefined
  } catch {
    return undefined // somebody else's text: no key
  }
}
