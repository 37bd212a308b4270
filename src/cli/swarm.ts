import { randomBytes } from 'node:crypto'
import { expect } from './arguments.ts'
import { EXIT, UsageError } from './io.ts'
import { writeSecretFile } from './secret-file.ts'
import type { Arguments } from './arguments.ts'
import type { CommandIO } from './io.ts'

/** What `network.swarmKey` names, and Kubo calls `swarm.key` (libp2p specs, "Private Networks"). */
const FORMAT = '/key/swarm/psk/1.0.0/\n/base16/\n'
const KEY_BYTES = 32

/** `heliport swarm key [-o FILE]`: a key for a new private network. */
export async function swarm(args: Arguments, io: CommandIO): Promise<number> {
  const [, verb, ...names] = args.words
  if (verb !== 'key') throw new UsageError('write heliport swarm key', { command: 'swarm' })
  expect({ ...args, words: ['swarm key', ...names] })
  const text = `${FORMAT}${randomBytes(KEY_BYTES).toString('hex')}\n`
  const { output } = args.options
  if (output === undefined) {
    io.stdout.write(text)
    return EXIT.ok
  }
  await writeSecretFile(output, text, io)
  io.stderr.write(
    `heliport: wrote a swarm key to ${output}: copy it to every node of the private network, and to nobody else\n`,
  )
  return EXIT.ok
}
