import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Kubo } from '../../kubo/support/kubo.ts'
import { findTool } from '../../tools/find.ts'
import type { Contender, Load, Pull } from './contender.ts'

/** By `ipfs get` between two Kubo nodes, cut as Heliport cuts; `undefined` where there is no Kubo. */
export async function kubo({ file, bytes, directory }: Load): Promise<Contender | undefined> {
  if ((await findTool('ipfs')) === undefined) return undefined
  const source = await Kubo.start()
  try {
    const cut = ['--cid-version=1', '--raw-leaves', '--chunker=size-1048576']
    const cid = await source.ipfs(['add', '--quieter', '--progress=false', ...cut, file])
    return {
      pull: async (): Promise<Pull> => {
        await using receiver = await Kubo.start()
        await receiver.ipfs(['swarm', 'connect', source.address])
        const into = await mkdtemp(join(directory, 'kubo-'))
        try {
          const began = performance.now()
          await receiver.ipfs(['get', '--progress=false', `--output=${join(into, 'blob')}`, cid])
          const ms = performance.now() - began
          const { size } = await stat(join(into, 'blob'))
          if (size !== bytes) throw new Error(`ipfs get brought ${size} bytes`)
          return { ms }
        } finally {
          await rm(into, { recursive: true })
        }
      },
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    }
  } catch (error) {
    await source[Symbol.asyncDispose]()
    throw error
  }
}
