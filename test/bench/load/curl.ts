import { run } from '../../e2e/support/command.ts'
import type { Blob } from './content.ts'

/** As many as Docker pulls at once. */
const AT_ONCE = 3

/**
 * Pulls blobs into nothing with curl, which costs less than a client in Node would.
 *
 * @returns how long it took, in ms
 * @throws when an answer is no 200, or not of the blob's size
 */
export async function curlBlobs(
  host: string,
  repository: string,
  blobs: readonly Blob[],
  signal: AbortSignal,
): Promise<number> {
  const urls = blobs.map(({ digest }) => `http://${host}/v2/${repository}/blobs/${digest}`)
  const config = urls.map((url) => `url = "${url}"\noutput = "/dev/null"\n`).join('')
  const parallel = blobs.length > 1 ? ['--parallel', '--parallel-max', String(AT_ONCE)] : []
  const args = [
    '--fail',
    '--silent',
    '--show-error',
    ...parallel,
    '--write-out',
    '%{size_download} ',
  ]
  const began = performance.now()
  const sizes = await run('curl', [...args, '--config', '-'], {
    input: Buffer.from(config),
    timeout: 600_000,
    signal,
  })
  const ms = performance.now() - began
  const bytes = sizes
    .trim()
    .split(' ')
    .reduce((sum, size) => sum + Number(size), 0)
  const wanted = blobs.reduce((sum, { size }) => sum + size, 0)
  if (bytes !== wanted) throw new Error(`curl brought ${bytes} of ${wanted} bytes from ${host}`)
  return ms
}
