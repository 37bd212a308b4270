import { join } from 'node:path'
import { MIB } from '../support/figures.ts'
import { Peer } from '../support/peer.ts'
import type { Contender, Load, Pull } from './contender.ts'
import type { StreamAnswer, StreamRequest } from './stream-peer.ts'

const FILE = join(import.meta.dirname, 'stream-peer.ts')

/** One bare stream. */
export async function stream({ bytes }: Load): Promise<Contender> {
  const start = () => Peer.start<StreamRequest, StreamAnswer>(FILE)
  const source = await start()
  const { address } = await source.ask({ do: 'address' })
  return {
    pull: async (): Promise<Pull> => {
      await using receiver = await start()
      const pulled = await receiver.ask({ do: 'pull', mebibytes: bytes / MIB, from: address })
      if (pulled.bytes !== bytes) throw new Error(`the stream brought ${pulled.bytes} bytes`)
      return { ms: pulled.ms }
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}
