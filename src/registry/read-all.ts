import type { Abortable, Content } from './ports.ts'

/** Content that is longer or shorter than it says. */
export class WrongLengthError extends Error {
  static override readonly name = 'WrongLengthError'
  override readonly name = 'WrongLengthError'

  constructor({ digest, size }: Content) {
    super(`${digest} does not have the ${size} bytes that were announced`)
  }
}

/**
 * Reads small content into memory.
 *
 * @throws WrongLengthError when it is not as long as it says, before more than that has been kept
 */
export async function readAll(content: Content, { signal }: Abortable = {}): Promise<Uint8Array> {
  const bytes = new Uint8Array(content.size)
  let length = 0
  for await (const chunk of content.open({ signal })) {
    if (length + chunk.length > content.size) throw new WrongLengthError(content)
    bytes.set(chunk, length)
    length += chunk.length
  }
  if (length !== content.size) throw new WrongLengthError(content)
  return bytes
}
