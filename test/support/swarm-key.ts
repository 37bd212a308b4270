import { join } from 'node:path'
import { run } from '../e2e/support/command.ts'

const LAUNCHER = join(import.meta.dirname, '../../bin/heliport.cjs')

/** A new swarm key as `heliport swarm key` makes it. @returns the path of its file, below `directory` */
export async function makeSwarmKey(directory: string, name = 'swarm.key'): Promise<string> {
  const file = join(directory, name)
  await run(process.execPath, [LAUNCHER, 'swarm', 'key', '-o', file])
  return file
}
