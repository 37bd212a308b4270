import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { ReadStream } from 'node:tty'

/** More is no password. */
const MAX_LETTERS = 4096

/**
 * Reads a secret: of a person, who is asked and does not see it on the terminal, or else the first line of the input.
 *
 * @param input the process's standard input
 * @param terminal where the question goes
 */
export async function readSecret(
  input: ReadStream | NodeJS.ReadableStream,
  terminal: { write(text: string): unknown },
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const isTTY = 'isTTY' in input && input.isTTY
  // What is typed is not written anywhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output, terminal: isTTY })
  try {
    if (isTTY) terminal.write(question)
    const answer = isTTY ? await lines.question('', { signal }) : await firstLine(lines)
    return answer.slice(0, MAX_LETTERS)
  } finally {
    if (isTTY) terminal.write('\n')
    lines.close()
  }
}

async function firstLine(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) return line
  return ''
}
