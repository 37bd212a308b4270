import { readBlocks } from './blocks.ts'
import type { Client, World } from '../client.ts'
import type { Suite } from '../suite.ts'

/** One example of docs/clients.md. */
export interface Example {
  /** What it is of. */
  readonly name: string
  /** The blocks that it takes, by name. */
  readonly blocks: readonly string[]
  /** Does with them what the reader is told to do. Throws when what it saw is not what it must be. */
  run(world: World, ...blocks: string[]): Promise<void>
}

/** The examples of one client. */
export interface Examples extends Pick<
  Client,
  'name' | 'needs' | 'unavailable' | 'start' | 'stop'
> {
  readonly examples: readonly Example[]
}

/**
 * Examples as the runner takes them, by client.
 *
 * @throws when the documentation has a block that no example runs, or an example takes one that is not there
 */
export async function exampleSuites(all: readonly Examples[]): Promise<Map<string, Suite>> {
  const blocks = await readBlocks()
  const used = new Set(all.flatMap(({ examples }) => examples.flatMap((each) => each.blocks)))
  const unused = [...blocks.keys()].filter((name) => !used.has(name))
  if (unused.length > 0) throw new Error(`docs/clients.md: nothing runs ${unused.join(', ')}`)
  const text = (name: string): string => {
    const block = blocks.get(name)
    if (block === undefined) throw new Error(`docs/clients.md has no block called ${name}`)
    return block
  }
  const suites = all.map(({ examples, ...rest }): [string, Suite] => {
    const steps = examples.map(({ name, blocks: names, run }) => {
      const texts = names.map(text)
      return { name, run: (world: World) => run(world, ...texts) }
    })
    const version = () => Promise.resolve('as in docs/clients.md')
    return [rest.name, { ...rest, version, steps }]
  })
  return new Map(suites)
}
