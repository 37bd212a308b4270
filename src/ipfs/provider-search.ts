import type { ContentRouting } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'

/** Providers that are looked up for one root. */
const MAX_PROVIDERS = 3
/** The public DHT may go on for minutes to find the last one; who was found until now has to do. Milliseconds. */
const SEARCH_TIMEOUT = 30_000
/** How long to look for more once one is connected: a block waits for this. Milliseconds. */
const MORE_TIMEOUT = 2_000

/** Connects to a peer at one of these addresses; false when it could not. */
type Connect = (addresses: readonly string[], signal: AbortSignal) => Promise<boolean>

/**
 * Looks for peers that provide a root, and connects to them; returns the peer ids of those that are connected then.
 *
 * @throws the signal's reason
 */
export async function searchProviders(
  routing: Pick<ContentRouting, 'findProviders'>,
  root: CID,
  connect: Connect,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const enough = new AbortController()
  const limits = [AbortSignal.timeout(SEARCH_TIMEOUT), enough.signal]
  const either = AbortSignal.any(signal === undefined ? limits : [...limits, signal])
  const found: string[] = []
  let timer: NodeJS.Timeout | undefined
  try {
    for await (const { id, multiaddrs } of routing.findProviders(root, { signal: either })) {
      const suffix = `/p2p/${id.toString()}`
      const addresses = multiaddrs.map(
        (address) => address.toString().replace(/\/p2p\/[^/]+$/, '') + suffix,
      )
      if (await connect(addresses, either)) found.push(id.toString())
      if (found.length >= MAX_PROVIDERS) break
      if (found.length > 0)
        timer ??= setTimeout(() => enough.abort(new Error('somebody is connected')), MORE_TIMEOUT)
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (!either.aborted) throw error
  } finally {
    clearTimeout(timer)
  }
  return found
}
