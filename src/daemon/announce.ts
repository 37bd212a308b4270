import { isOpenToAll } from '../config/open-to-all.ts'
import { isOverheard } from '../config/overheard.ts'
import { readableBy } from './arrangement.ts'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'

/** A daemon that serves, as far as it is told of. */
export interface Announced {
  readonly config: Config
  readonly version: string
  /** Where the registry API listens. */
  readonly address: string
  /** The name of our own registry; `undefined` on a read-only node. */
  readonly ipnsName: string | undefined
}

/** Says that the daemon is ready, and what others can do with it that not everybody would expect. */
export function announce({ config, version, address, ipnsName }: Announced, log: Logger): void {
  const { mode } = config.network
  if (ipnsName !== undefined)
    log.info(
      { ipns: ipnsName },
      `others mirror this registry by its name; what is published can be read by ${readableBy(mode)}, without a password`,
    )
  if (mode === 'public') {
    log.warn('network.mode is public: everybody in the world can read this registry by its name')
  }
  if (isOverheard(config)) {
    log.warn(
      `passwords and tokens come to ${address} over plain HTTP, and can be read on their way (auth.plainHttp): name a certificate in http.tls`,
    )
  }
  if (isOpenToAll(config)) {
    const may =
      config.access.policies.length > 0 ? 'do what access allows everybody' : 'push and delete'
    log.warn(
      `everybody who reaches ${address} can ${may}, for nobody is asked who he is (auth.openToAll): set auth.mode to htpasswd or token if that is not meant`,
    )
  }
  log.info({ address, mode, version }, `ready on ${address}`)
}
