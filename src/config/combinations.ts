import { isLoopbackHost, isLoopbackName } from './address.ts'
import { optionAt } from './options.ts'
import { isOverheard } from './overheard.ts'
import { groupsAreThere, somebodyIsAsked } from './principals.ts'
import { isDnsList, isLoopback, isRelayed } from './multiaddrs.ts'
import type { Problem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

/** A rule about several options at once. */
interface Rule {
  /** Options the rule looks at: it is not asked when one of them has a problem of its own. */
  readonly about: readonly string[]
  check(config: ParsedConfig): Problem[]
}

const RULES: readonly Rule[] = [
  { about: ['http.addr', 'auth.mode', 'auth.openToAll'], check: openIsLoopback },
  { about: ['http.hosts', 'auth.mode', 'auth.openToAll'], check: openHasNoName },
  { about: ['http.trustProxy', 'auth.mode', 'auth.openToAll'], check: openHasNoProxy },
  {
    about: [
      'http.addr',
      'http.tls',
      'http.tls.certificate',
      'http.trustProxy',
      'auth.mode',
      'auth.plainHttp',
    ],
    check: secretsAreSealed,
  },
  { about: ['auth'], check: authIsWhole },
  { about: ['auth', 'access.admins'], check: adminsHavePasswords },
  { about: ['access.groups', 'access.admins', 'access.policies'], check: groupsAreThere },
  { about: ['auth.mode', 'access.admins', 'access.policies'], check: somebodyIsAsked },
  { about: ['http.namespaces'], check: namespacesApart },
  { about: ['http.tls.certificate', 'http.tls.key'], check: wholePair },
  { about: ['ipns.writeKey', 'ipns.readOnlyKeys'], check: serveSomething },
  { about: ['ipns.readOnlyKeys', 'network.mode'], check: dnsOnlyInPublic },
  { about: ['network.mode', 'network.swarmKey'], check: swarmKeyIfPrivate },
  { about: ['network.mode', 'network.listen', 'network.peers'], check: offlineIsLoopback },
  { about: ['network.mode', 'network.peers'], check: onlyInPublic },
]

/**
 * Finds impossible combinations.
 *
 * @param broken options (with dots) that have a problem already, and stand at their defaults in `config`
 */
export function checkCombinations(config: ParsedConfig, broken: ReadonlySet<string>): Problem[] {
  const isBroken = (option: string): boolean =>
    broken.has(option) || (optionAt(option.split('.'))?.kind === 'map' && hasWithin(broken, option))
  return RULES.filter((rule) => !rule.about.some(isBroken)).flatMap((rule) => rule.check(config))
}

/** Of a map, whose keys are no options, a wrong entry is not there. */
function hasWithin(broken: ReadonlySet<string>, map: string): boolean {
  return [...broken].some((option) => option.startsWith(`${map}.`))
}

const OPEN =
  'everybody who reaches it could push and delete, for auth.mode is open: set auth.mode to htpasswd or token, or, where that is meant, auth.openToAll to true'

/** Whoever reaches an open registry can push to it. */
function openIsLoopback({ http, auth }: ParsedConfig): Problem[] {
  if (isClosed(auth) || isLoopbackHost(http.addr.host)) return []
  return [{ path: ['http', 'addr'], message: `is ${http.addr.host}, where ${OPEN}` }]
}

/** Who gives it a name for others lets others come, by whatever way. */
function openHasNoName({ http, auth }: ParsedConfig): Problem[] {
  if (isClosed(auth)) return []
  return http.hosts.flatMap((host, index) =>
    isLoopbackName(host)
      ? []
      : [{ path: ['http', 'hosts', index], message: `is ${host}, a name for others: ${OPEN}` }],
  )
}

/** Behind a proxy loopback is where all the world comes from. */
function openHasNoProxy({ http, auth }: ParsedConfig): Problem[] {
  if (isClosed(auth) || http.trustProxy.length === 0) return []
  return [
    { path: ['http', 'trustProxy'], message: `is for a proxy, through which others come: ${OPEN}` },
  ]
}

/** Whoever is on the way reads what is not sealed: passwords for good, and tokens as long as they last. */
function secretsAreSealed({ http, auth }: ParsedConfig): Problem[] {
  if (auth.plainHttp || !isOverheard({ http, auth })) return []
  const message = `is ${http.addr.host}, where passwords and tokens would come over plain HTTP: name a certificate in http.tls, or the proxy that has one in http.trustProxy, or, where that is meant, set auth.plainHttp to true`
  return [{ path: ['http', 'addr'], message }]
}

function isClosed({ mode, openToAll }: ParsedConfig['auth']): boolean {
  return mode !== 'open' || openToAll
}

/** What each mode needs; and what does nothing in it, which somebody may rely on. */
function authIsWhole({ auth }: ParsedConfig): Problem[] {
  const problem = (key: string, message: string): Problem => ({ path: ['auth', key], message })
  const { mode, htpasswd, token } = auth
  const isForeign = mode === 'token' && token.keys.length > 0
  if (mode === 'open')
    return htpasswd === null
      ? []
      : [
          problem(
            'htpasswd',
            'is not asked in auth.mode open: set the mode to htpasswd or token, or remove it',
          ),
        ]
  if (isForeign)
    return [
      ...(htpasswd === null
        ? []
        : [
            problem(
              'htpasswd',
              'is not asked where auth.token.keys names another token service: remove one of them',
            ),
          ]),
      ...(token.realm === null
        ? [
            problem(
              'token',
              'has keys of another token service and no realm: write where clients get its tokens',
            ),
          ]
        : []),
      ...(token.issuer === null
        ? [
            problem(
              'token',
              'has keys of another token service and no issuer: write the name by which it signs',
            ),
          ]
        : []),
    ]
  return [
    ...(htpasswd === null
      ? [
          problem(
            'htpasswd',
            `is null, but auth.mode ${mode} needs a file of users: name one, and heliport user add NAME makes it`,
          ),
        ]
      : []),
    ...(token.issuer === null
      ? []
      : [
          problem(
            'token',
            'has an issuer and no keys to know it by: name its public keys, or remove it',
          ),
        ]),
  ]
}

/** A token is for repositories, so whom another service knows cannot be an administrator. */
function adminsHavePasswords({ auth, access: { admins } }: ParsedConfig): Problem[] {
  if (auth.mode !== 'token' || auth.token.keys.length === 0) return []
  if (admins.users.length + admins.groups.length === 0) return []
  const message =
    'names some who would log in by password, but auth.token.keys leaves passwords to another token service, whose tokens are for repositories alone: remove it, and use heliport and its socket on this machine'
  return [{ path: ['access', 'admins'], message }]
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

function wholePair({ http: { tls } }: ParsedConfig): Problem[] {
  if ((tls.certificate === null) === (tls.key === null)) return []
  const [there, missing] =
    tls.key === null ? (['certificate', 'key'] as const) : (['key', 'certificate'] as const)
  const message = `is null, but http.tls.${there} names a file: TLS needs both`
  return [{ path: ['http', 'tls', missing], message }]
}

function isInside(prefix: string, other: string): boolean {
  return other === '' || prefix.startsWith(`${other}/`)
}

function serveSomething({ ipns }: ParsedConfig): Problem[] {
  if (ipns.writeKey !== null || ipns.readOnlyKeys.length > 0) return []
  const message =
    'is null and ipns.readOnlyKeys is empty, so the node would neither take anything nor read it elsewhere: name a key, or list mirrors; ' +
    'to serve what the data directory has and take no changes, name its key and set access.readOnly to true'
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

function swarmKeyIfPrivate({ network }: ParsedConfig): Problem[] {
  if ((network.swarmKey !== null) === (network.mode === 'private')) return []
  const message =
    network.mode === 'private'
      ? 'is null, but network.mode private needs a key: name its file; heliport swarm key -o FILE makes one'
      : `is only for network.mode private, and the mode is ${network.mode}: remove it`
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

/** Lists in the DNS, and ways through a relay: the other modes have neither. */
function onlyInPublic({ network }: ParsedConfig): Problem[] {
  if (network.mode === 'public') return []
  const problem = (index: number, what: string): Problem => ({
    path: ['network', 'peers', index],
    message: `${what}, which needs network.mode public`,
  })
  return network.peers.flatMap((address, index) => {
    if (isRelayed(address)) return [problem(index, 'is reached by way of a relay (/p2p-circuit)')]
    // What is not on loopback is refused in offline anyway.
    if (network.mode !== 'offline' && isDnsList(address))
      return [problem(index, 'is a /dnsaddr/ list')]
    return []
  })
}
