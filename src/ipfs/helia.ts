import { withLibp2pLight } from '@helia/libp2p'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { createHeliaLight } from 'helia'
import { Bitswap } from './bitswap/exchange.ts'
import { libp2pOptions } from './libp2p-options.ts'
import { listenError } from './listen-error.ts'
import { componentLogger, silent } from './logger.ts'
import { ServingBlockstore } from './serving-blockstore.ts'
import type { HeliaWithLibp2p } from '@helia/libp2p'
import type { LevelDatastore } from 'datastore-level'
import type { BlockStore } from '../blocks/block-store.ts'
import type { NetworkConfig } from './config.ts'
import type { Keys } from './keys.ts'
import type { Services } from './libp2p-options.ts'
import type { Log } from './logger.ts'
import type { Scopes } from './scope.ts'
import type { Servable } from './serving-blockstore.ts'
import type { SwarmGuard } from './swarm-guard.ts'

/** A running Helia, and the way to ask its peers for blocks. */
export interface StartedHelia {
  readonly helia: HeliaWithLibp2p<Services>
  readonly exchange: Bitswap
  /** Our blocks as peers see them. */
  readonly served: ServingBlockstore
}

/**
 * Starts Helia on our stores: the light one, so that nothing comes in by default (facts §3).
 *
 * Its block store is our serving view, and we never read through `helia.blockstore`: its lock is held while it waits
 * for the network (facts S4). Its keychain stays unused (S9), its pins and collector too (S3).
 *
 * @throws StartError when it cannot listen
 */
export async function startHelia(
  config: NetworkConfig,
  components: {
    blocks: BlockStore
    datastore: LevelDatastore
    keys: Keys
    servable: Servable
    scopes: Scopes
    guard: SwarmGuard | undefined
    log?: Log | undefined
  },
): Promise<StartedHelia> {
  const { keys } = components
  const logger = componentLogger(components.log ?? silent)
  const options = libp2pOptions(config, {
    // Both libraries write keys in the same way, but each has classes of its own.
    privateKey: privateKeyFromProtobuf((await keys.self()).toProtobuf()),
    keychain: keys.keychain,
    scopes: components.scopes,
    guard: components.guard,
  })
  const served = new ServingBlockstore(components.blocks, components.servable)
  const light = createHeliaLight({
    blockstore: served,
    datastore: components.datastore,
    logger,
  })
  const helia = withLibp2pLight(light, { ...options, logger })
  try {
    await helia.start()
    const exchange = new Bitswap({
      libp2p: helia.libp2p,
      blocks: served,
      log: components.log ?? silent,
    })
    await exchange.start()
    return { helia, exchange, served }
  } catch (error) {
    await helia.stop()
    throw listenError(error)
  }
}
