import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { setUser } from '../../../src/access/users.ts'
import { Certificates } from '../../support/certificate.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { speaksTls, trustAuthority } from '../support/transport.ts'
import { PEOPLE } from './people.ts'
import { startTokenService } from './token-service.ts'

/** A registry, and how it asks who somebody is. */
export interface Door {
  readonly mode:
    | 'open'
    | 'htpasswd'
    | 'htpasswd, TLS'
    | 'token'
    | 'token, policies'
    | 'token of another service'
    | 'TLS of a stranger'
  /** `127.0.0.1:<port>` */
  readonly host: string
}

/** With our own tokens: everybody pulls what is called hello, and Alice pushes. */
const POLICIES = [
  { repositories: ['*/hello'], anonymous: true, allow: ['pull'] },
  { repositories: ['**'], users: ['alice'], allow: ['pull', 'push'] },
]

/** A daemon for each mode. */
export async function startDoors(stack: AsyncDisposableStack): Promise<Door[]> {
  const made = stack.use(await Certificates.open())
  const htpasswd = made.path('users')
  for (const [name, password] of Object.entries(PEOPLE)) await setUser(htpasswd, name, password)
  const start = async (mode: Door['mode'], config: object): Promise<Door> => {
    const daemon = stack.use(await DaemonProcess.start({ config: { ...config } }))
    if (daemon.url.startsWith('https:')) speaksTls(daemon.host)
    return { mode, host: daemon.host }
  }
  const users = { auth: { mode: 'htpasswd', htpasswd } }
  const tokens = { auth: { mode: 'token', htpasswd } }
  const authority = await made.make('authority')
  trustAuthority(authority.certificate)
  return [
    await start('open', { auth: { mode: 'open' } }),
    await start('htpasswd', users),
    await start('htpasswd, TLS', { ...users, ...tls(await made.make('registry', authority)) }),
    await start('token', tokens),
    await start('token, policies', { ...tokens, access: { policies: POLICIES } }),
    await start('token of another service', { auth: { mode: 'token', token: await other() } }),
    await start('TLS of a stranger', { ...users, ...tls(await made.make('stranger')) }),
  ]

  /** It lets everybody pull, and Alice push: which our own does by policies. */
  async function other(): Promise<object> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const file = made.path('keys.pem')
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }))
    const service = 'the-registry'
    const issuer = 'somebody'
    const running = await startTokenService({ privateKey, service, issuer })
    stack.use(running)
    return { realm: running.realm, service, issuer, keys: [file] }
  }
}

function tls(pair: { certificate: string; key: string }): object {
  return { http: { tls: pair } }
}
