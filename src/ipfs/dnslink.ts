import { dnsLink } from '@helia/dnslink'
import { base36 } from 'multiformats/bases/base36'
import { CID } from 'multiformats/cid'
import type { DNSLinkComponents } from '@helia/dnslink'

const LIBP2P_KEY = 0x72

/**
 * The IPNS name (`k51…`) that a domain's `_dnslink` TXT record points to; `undefined` when it points elsewhere, or to
 * more than a name (DNSLink specification).
 *
 * @throws the resolver's error when the domain cannot be looked up
 */
export async function resolveDnsLink(
  components: DNSLinkComponents,
  domain: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<string | undefined> {
  const { signal } = options
  const results = await dnsLink(components).resolve(domain, {
    maxRecursiveDepth: 4,
    ...(signal === undefined ? {} : { signal }),
  })
  const found = results.find((result) => result.namespace === 'ipns')
  if (found === undefined || !/^\/*$/.test(found.path)) return undefined
  return CID.createV1(LIBP2P_KEY, found.value).toString(base36)
}
