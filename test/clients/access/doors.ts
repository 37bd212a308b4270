import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setUser } from '../../../src/access/users.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { PEOPLE } from './people.ts'
import { startTokenService } from './token-service.ts'

/** A registry, and how it asks who somebody is. */
export interface Door {
  readonly mode: 'open' | 'htpasswd' | 'token' | 'token of another service'
  /** `127.0.0.1:<port>` */
  readonly host: string
}

/** A daemon for each mode. */
export async function startDoors(stack: AsyncDisposableStack): Promise<Door[]> {
  const directory = await mkdtemp(join(tmpdir(), 'heliport-access-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const htpasswd = join(directory, 'users')
  await setUser(htpasswd, 'alice', PEOPLE.alice)
  const start = async (mode: Door['mode'], auth: object): Promise<Door> => {
    const daemon = stack.use(await DaemonProcess.start({ config: { auth } }))
    return { mode, host: daemon.host }
  }
  return [
    await start('open', { mode: 'open' }),
    await start('htpasswd', { mode: 'htpasswd', htpasswd }),
    await start('token', { mode: 'token', htpasswd }),
    await start('token of another service', { mode: 'token', token: await other() }),
  ]

  /** It lets everybody pull, and Alice push: which our own does by policies. */
  async function other(): Promise<object> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const file = join(directory, 'keys.pem')
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }))
    const service = 'the-registry'
    const issuer = 'somebody'
    const running = await startTokenService({ privateKey, service, issuer })
    stack.use(running)
    return { realm: running.realm, service, issuer, keys: [file] }
  }
}
