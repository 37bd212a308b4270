import { isDnsList, isLoopback } from './multiaddrs.ts'
import type { Problem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

/** A rule about several options at once, or about one that does not work yet. */
interface Rule {
  /** Options the rule looks at: it is not asked when one of them has a problem of its own. */
  readonly about: readonly string[]
  check(config: ParsedConfig): Problem[]
}

const RULES: readonly Rule[] = [
  { about: ['http.namespaces'], check: namespacesApart },
  { about: ['ipns.writeKey', 'ipns.readOnlyKeys'], check: serveSomething },
  { about: ['ipns.readOnlyKeys', 'network.mode'], check: dnsOnlyInPublic },
  { about: ['network.mode'], check: notYet },
  { about: ['network.mode', 'network.swarmKey'], check: swarmKeyOnlyPrivate },
  { about: ['network.mode', 'network.listen', 'network.peers'], check: offlineIsLoopback },
  { about: ['network.mode', 'network.peers'], check: listsOnlyInPublic },
]

/**
 * Finds impossible combinations.
 *
 * @param broken options (with dots) that have a problem already, and stand at their defaults in `config`
 */
export function checkCombinations(config: ParsedConfig, broken: ReadonlySet<string>): Problem[] {
  return RULES.filter((rule) => !rule.about.some((option) => broken.has(option))).flatMap((rule) =>
    rule.check(config),
  )
}

/** `a` and `a/b`: then `b/x` in the one namespace would be `x` in the other, and an image be served for another. */
function namespacesApart({ http }: ParsedConfig): Problem[] {
  const entries = Object.entries(http.namespaces)
  return entries.flatMap(([key, prefix]) => {
    const around = entries.find(([, other]) => other !== prefix && isInside(prefix, other))
    if (around === undefined) return []
    const message = `is kept inside of ${around[0]}, so that one's repositories could be taken for the other's: choose another prefix`
    return [{ path: ['http', 'namespaces', key], message }]
  })
}

function isInside(prefix: string, other: string): boolean {
  return other === '' || prefix.startsWith(`${other}/`)
}

function serveSomething({ ipns }: ParsedConfig): Problem[] {
  if (ipns.writeKey !== null || ipns.readOnlyKeys.length > 0) return []
  const message =
    'is null and ipns.readOnlyKeys is empty, so there is nothing to serve: name a key, or list mirrors'
  return [{ path: ['ipns', 'writeKey'], message }]
}

function dnsOnlyInPublic({ ipns, network }: ParsedConfig): Problem[] {
  if (network.mode === 'public') return []
  return ipns.readOnlyKeys.flatMap((name, index) =>
    name.kind === 'dnslink'
      ? [
          {
            path: ['ipns', 'readOnlyKeys', index],
            message: `is ${name.text}, a DNSLink domain, which needs network.mode public: write its IPNS name (k51…)`,
          },
        ]
      : [],
  )
}

function notYet({ network }: ParsedConfig): Problem[] {
  if (network.mode !== 'private') return []
  return [
    {
      path: ['network', 'mode'],
      message: 'is private, which does not work yet: use lan or offline',
    },
  ]
}

function swarmKeyOnlyPrivate({ network }: ParsedConfig): Problem[] {
  // Whoever asks for `private` is told that it does not work yet; that its key is missing, too, would only confuse.
  if (network.swarmKey === null || network.mode === 'private') return []
  const message = `is only for network.mode private, and the mode is ${network.mode}: remove it`
  return [{ path: ['network', 'swarmKey'], message }]
}

function offlineIsLoopback({ network }: ParsedConfig): Problem[] {
  if (network.mode !== 'offline') return []
  const lists = { listen: network.listen ?? [], peers: network.peers }
  return Object.entries(lists).flatMap(([key, addresses]) =>
    addresses.flatMap((address, index) =>
      isLoopback(address)
        ? []
        : [
            {
              path: ['network', key, index],
              message: `is ${address}, but network.mode offline only uses loopback: write /ip4/127.0.0.1/…, or use lan`,
            },
          ],
    ),
  )
}

function listsOnlyInPublic({ network }: ParsedConfig): Problem[] {
  if (network.mode === 'public' || network.mode === 'offline') return []
  return network.peers.flatMap((address, index) =>
    isDnsList(address)
      ? [
          {
            path: ['network', 'peers', index],
            message: 'is a /dnsaddr/ list, which needs network.mode public',
          },
        ]
      : [],
  )
}
