import type { DurableMap } from '../registry/ports.ts'

/** What is remembered of a domain. */
export interface DnsLinkState {
  /** The name that it stands for. */
  readonly name: string
  /** The name whose root serves while that one has none. */
  readonly before: NameBefore | undefined
}

export interface NameBefore {
  readonly name: string
  /** When the domain moved on from it, in ms since the epoch. */
  readonly movedAt: number
}

/** @returns `undefined` before the domain was ever looked up */
export async function loadDnsLinkState(
  map: Pick<DurableMap, 'get'>,
  domain: string,
): Promise<DnsLinkState | undefined> {
  const bytes = await map.get(domain)
  if (bytes === undefined) return undefined
  const name = Buffer.from(bytes).toString('utf8')
  const before = parse(await map.get(placeOfBefore(domain)))
  // The domain went back to it: the one was written, and the other not yet deleted.
  return { name, before: before?.name === name ? undefined : before }
}

export async function saveDnsLinkState(
  map: Pick<DurableMap, 'put' | 'putAll' | 'delete'>,
  domain: string,
  { name, before }: DnsLinkState,
): Promise<void> {
  if (before === undefined) {
    await map.put(domain, Buffer.from(name))
    return map.delete(placeOfBefore(domain))
  }
  const older = [placeOfBefore(domain), Buffer.from(`${before.movedAt} ${before.name}`)] as const
  await map.putAll(new Map([older, [domain, Buffer.from(name)]]))
}

/** No domain has a slash. */
function placeOfBefore(domain: string): string {
  return `${domain}/before`
}

function parse(bytes: Uint8Array | undefined): NameBefore | undefined {
  const [, movedAt, name] = /^(\d+) (\S+)$/.exec(Buffer.from(bytes ?? []).toString('utf8')) ?? []
  return name === undefined ? undefined : { name, movedAt: Number(movedAt) }
}
