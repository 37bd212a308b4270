import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Peer } from '../support/peer.ts'
import type { BitswapAnswer, BitswapRequest } from './bitswap-peer.ts'
import type { Contender, Load, Pull } from './contender.ts'

const FILE = join(import.meta.dirname, 'bitswap-peer.ts')

/** Between two plain Helias. */
export async function bitswap({ file, bytes, directory }: Load): Promise<Contender> {
  const start = (path: string) => Peer.start<BitswapRequest, BitswapAnswer>(FILE, [path])
  const source = await start(join(directory, 'helia'))
  const { cid, address } = await source.ask({ do: 'add', file })
  return {
    pull: async (): Promise<Pull> => {
      const path = await mkdtemp(join(directory, 'helia-'))
      try {
        await using receiver = await start(path)
        const pulled = await receiver.ask({ do: 'get', cid, from: address })
        if (pulled.bytes !== bytes) throw new Error(`bitswap brought ${pulled.bytes} bytes`)
        return { ms: pulled.ms }
      } finally {
        await rm(path, { recursive: true })
      }
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}
