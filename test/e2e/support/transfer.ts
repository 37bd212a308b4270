import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Digest } from '../../../src/oci/digest.ts'

/*
 * Transfers of blobs that are larger than memory. `node:http`, because `fetch` costs a copy of every byte.
 */

const CHUNK = 1024 * 1024

/** Random bytes of which no two megabytes are alike, made as they are read. */
export function* noise(size: number): Generator<Uint8Array> {
  const template = randomBytes(CHUNK)
  for (let offset = 0; offset < size; offset += CHUNK) {
    const chunk = Buffer.from(template.subarray(0, Math.min(CHUNK, size - offset)))
    chunk.writeBigUInt64LE(BigInt(offset))
    yield chunk
  }
}

/** Pushes a blob of that many random bytes. */
export function pushNoise(url: string, repository: string, size: number): Promise<Digest> {
  return pushStream(url, repository, noise(size), size)
}

/** Pushes a blob of `size` bytes in one stream that is never in memory as a whole. */
export async function pushStream(
  url: string,
  repository: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  size: number,
): Promise<Digest> {
  const started = await expect(202, send(url, 'POST', `/v2/${repository}/blobs/uploads/`))
  const hash = createHash('sha256')
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const bytes of content) {
      hash.update(bytes)
      yield bytes
    }
  }
  const headers = { 'Content-Length': size, 'Content-Type': 'application/octet-stream' }
  const patch = request(new URL(started, url), { method: 'PATCH', headers })
  const [location] = await Promise.all([expect(202, patch), pipeline(hashed, patch)])
  const digest: Digest = `sha256:${hash.digest('hex')}` as Digest
  const end = new URL(location, url)
  end.searchParams.set('digest', digest)
  await expect(201, send(url, 'PUT', end.pathname + end.search))
  return digest
}

/** Pulls a blob and throws it away unseen. @returns how many bytes it had */
export async function drainBlob(url: string, repository: string, digest: Digest): Promise<number> {
  const response = await answer(send(url, 'GET', `/v2/${repository}/blobs/${digest}`))
  let bytes = 0
  for await (const chunk of response) bytes += (chunk as Uint8Array).length
  return bytes
}

/** Pulls a blob and throws it away. @throws when its bytes are not what the digest says */
export async function pullBlob(url: string, repository: string, digest: Digest): Promise<void> {
  const response = await answer(send(url, 'GET', `/v2/${repository}/blobs/${digest}`))
  const hash = createHash('sha256')
  for await (const bytes of response) hash.update(bytes as Uint8Array)
  const found = `sha256:${hash.digest('hex')}`
  if (found !== digest) throw new Error(`the blob ${digest} came as ${found}`)
}

/** What a slow reader got until it was told to stop. */
export interface SlowRead {
  bytes: number
  /** Milliseconds. */
  time: number
}

/** Reads a blob from an offset on, at most so many bytes a second, until the signal. @throws when the server cuts it */
export async function readSlowly(
  url: string,
  path: string,
  { offset, rate, signal }: { offset: number; rate: number; signal: AbortSignal },
): Promise<SlowRead> {
  const agent = new Agent({ keepAlive: false })
  const headers = { Range: `bytes=${offset}-` }
  const response = await answer(request(new URL(path, url), { agent, headers }).end(), 206)
  const began = performance.now()
  let bytes = 0
  try {
    // What arrives beyond this rate waits in the kernel's buffers, and then in the server.
    for await (const chunk of response) {
      bytes += (chunk as Uint8Array).length
      const early = (bytes / rate) * 1000 - (performance.now() - began)
      if (early > 0) await pause(early, undefined, { signal })
    }
    throw new Error(`a slow reader came to the end after ${bytes} bytes`)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    response.destroy()
  }
  return { bytes, time: performance.now() - began }
}

function send(url: string, method: string, path: string): ClientRequest {
  return request(new URL(path, url), { method, headers: { 'Content-Length': 0 } }).end()
}

async function answer(sent: ClientRequest, status = 200): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  if (response.statusCode === status) return response
  const body = (await response.setEncoding('utf8').toArray()).join('')
  throw new Error(`${sent.method} ${sent.path} was answered ${response.statusCode}: ${body}`)
}

/** Waits for that status, and gives the `Location`. */
async function expect(status: number, sent: ClientRequest): Promise<string> {
  const response = await answer(sent, status)
  response.resume()
  return response.headers.location ?? ''
}
