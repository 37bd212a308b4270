import { createReadStream } from 'node:fs'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createHeliaLight } from 'helia'
import { CID } from 'multiformats/cid'
import { answerParent } from '../support/peer.ts'
import { DiskBlocks } from '../support/disk-blocks.ts'

/*
 * A plain Helia: bitswap with its defaults, and libp2p as Helia sets it up, less what would leave loopback. Its blocks
 * are on disk.
 */

export type BitswapRequest =
  /** Adds a file, cut as Helia cuts it. */
  | { do: 'add'; file: string }
  /** Reads a file whole, from the peer at that address. */
  | { do: 'get'; cid: string; from: string }

export interface BitswapAnswer {
  cid: string
  /** Where this node is. */
  address: string
  bytes: number
  /** For a `get`, from the first question to the last byte. */
  ms: number
}

const [directory = ''] = process.argv.slice(2)
const helia = withBitswap(
  withLibp2pLight(createHeliaLight({ blockstore: new DiskBlocks(directory) }), {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise(), tls()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() },
  }),
)
await helia.start()
const files = unixfs(helia)

answerParent<BitswapRequest, BitswapAnswer>(async (request) => {
  if (request.do === 'add') {
    const cid = await files.addByteStream(createReadStream(request.file))
    return result(cid, 0, 0)
  }
  await helia.libp2p.dial(multiaddr(request.from))
  const cid = CID.parse(request.cid)
  const began = performance.now()
  let bytes = 0
  for await (const chunk of files.cat(cid)) bytes += chunk.length
  return result(cid, bytes, performance.now() - began)
})

function result(cid: CID, bytes: number, ms: number): BitswapAnswer {
  return { cid: cid.toString(), address: String(helia.libp2p.getMultiaddrs()[0]), bytes, ms }
}
