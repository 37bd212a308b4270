import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { withBitswap } from '@helia/bitswap'
import { ipns, pubSubIPNSRouting } from '@helia/ipns'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { fetch } from '@libp2p/fetch'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createHeliaLight } from 'helia'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { base36 } from 'multiformats/bases/base36'
import type { CID } from 'multiformats/cid'

/** An IPFS node with nothing of Heliport in it, on loopback only. */
export type PlainNode = Awaited<ReturnType<typeof startPlainNode>>

/** Starts a stock Helia: memory stores, bitswap, IPNS over pubsub. No DHT, no bootstrap, no routers. */
export async function startPlainNode() {
  const helia = withBitswap(
    withLibp2pLight(createHeliaLight(), {
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        identify: identify(),
        ping: ping(),
        fetch: fetch(),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }),
      },
    }),
  )
  await helia.start()
  const names = ipns(helia, { routers: [pubSubIPNSRouting(helia)] })
  return {
    /** Its multiaddrs, with peer id. */
    addresses: () => helia.libp2p.getMultiaddrs().map(String),

    /**
     * Adds a directory as Kubo did for years: chunks of 256 KiB in dag-pb leaves, 174 links a node, CIDv0.
     *
     * @returns the CID of the directory
     */
    async add(directory: string): Promise<CID> {
      let root: CID | undefined
      for await (const { cid } of unixfs(helia).addAll(filesIn(directory), {
        chunker: fixedSize({ chunkSize: 256 * 1024 }),
        layout: balanced({ maxChildrenPerNode: 174 }),
        rawLeaves: false,
        leafType: 'file',
        reduceSingleLeafToSelf: false,
        cidVersion: 0,
        wrapWithDirectory: true,
      })) {
        root = cid // what is above all comes last
      }
      if (root === undefined) throw new Error(`${directory} is empty`)
      return root
    },

    /** Publishes it under a new key. @returns the IPNS name */
    async publish(root: CID): Promise<string> {
      const { publicKey } = await names.publish('registry', root)
      return publicKey.toCID().toString(base36)
    },

    [Symbol.asyncDispose]: async () => {
      await helia.stop()
    },
  }
}

async function* filesIn(directory: string) {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    yield { path: relative(directory, path), content: createReadStream(path) }
  }
}
