import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

const MOCHA = join(import.meta.dirname, '../../node_modules/mocha/bin/mocha.js')

/** A suite beside `npm test`: the specs of a directory that end in `.e2e.ts`. */
export interface Suite {
  /** As it is called: `test:e2e`. */
  readonly name: string
  readonly directory: string
  /** Only specs whose file name holds one of these words; all of them if there are none. */
  readonly words: readonly string[]
  /** What stands in front of the command, if anything. */
  readonly inside?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Runs its specs with mocha, and says what they say. @returns mocha's exit code; 1 when nothing is called so, 130 when it was stopped */
export async function runSuite({
  name,
  directory,
  words,
  inside = [],
  env,
}: Suite): Promise<number> {
  const names = await readdir(directory)
  const specs = names
    .filter((file) => file.endsWith('.e2e.ts'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .toSorted()
    .map((file) => join(directory, file))
  if (specs.length === 0) {
    console.error(`${name}: no spec is called ${words.join(' or ')}`)
    return 1
  }
  const [command = process.execPath, ...args] = [...inside, process.execPath, MOCHA, ...specs]
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  // Whoever stops us with Ctrl-C stops mocha too; a time limit knows only us, and mocha is told.
  let stopped = false
  process.on('SIGINT', () => void (stopped = true))
  process.on('SIGTERM', () => {
    stopped = true
    child.kill('SIGINT')
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return stopped ? 130 : (code ?? 1)
}
