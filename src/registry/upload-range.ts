import { RegistryError } from '../oci/errors.ts'

/**
 * Checks the `Content-Range` of a chunk: chunks come in order, without gaps (distribution-spec, "Pushing a blob in
 * chunks").
 *
 * @param size bytes the upload has
 * @throws RegistryError RANGE_INVALID, or TOO_LARGE when the chunk would take the upload over `limit`
 */
export function checkRange(
  { start, end }: { start: number; end: number },
  size: number,
  limit: number,
): void {
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start <= end
  if (!isRange || start !== size) throw rangeInvalid(size, `the next chunk begins at ${size}`)
  if (end >= limit) throw new RegistryError('TOO_LARGE', { detail: { limit } })
}

/** The 416 for a chunk, which says where the upload stands. */
export function rangeInvalid(size: number, message: string): RegistryError {
  return new RegistryError('RANGE_INVALID', { message, detail: { size } })
}

/**
 * Passes a body on that must have exactly so many bytes. What is beyond that is not passed on.
 *
 * @throws RegistryError SIZE_INVALID when it is longer or shorter
 */
export async function* exactly(
  source: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array> {
  let received = 0
  for await (const chunk of source) {
    if (received + chunk.length > length)
      throw sizeInvalid(`the body is longer than its range of ${length} bytes`)
    received += chunk.length
    yield chunk
  }
  if (received < length)
    throw sizeInvalid(`the body has ${received} bytes, and its range ${length}`)
}

function sizeInvalid(message: string): RegistryError {
  return new RegistryError('SIZE_INVALID', { message })
}
