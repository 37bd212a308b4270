import { Agent, request } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { once } from 'node:events'
import { content } from './content.ts'
import { imageManifest } from './manifest.ts'
import type { IncomingMessage } from 'node:http'
import type { Blob } from './content.ts'
import type { PushOrder } from './protocol.ts'

/** Pushes with so many connections at once. */
export async function push(order: Omit<PushOrder, 'do'>, checkFirst = false): Promise<void> {
  await using client = new Client(order.host, order.atOnce)
  await client.pushAll(order, checkFirst)
}

/** Pushes an image: layers, config, manifest. */
export async function pushImage(order: Omit<PushOrder, 'do'>, tag: string): Promise<void> {
  await using client = new Client(order.host, order.atOnce)
  const { bytes, config, mediaType } = imageManifest(order.blobs)
  const { repository } = order
  await client.pushAll(order, true)
  await client.pushBytes(repository, config.digest, config.bytes)
  const path = `/v2/${repository}/manifests/${tag}`
  await client.expect(201, 'PUT', path, { 'Content-Type': mediaType }, [bytes])
}

class Client {
  readonly #agent: Agent
  readonly #host: string

  constructor(host: string, sockets: number) {
    this.#host = host
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets })
  }

  async pushAll({ repository, blobs, atOnce }: Omit<PushOrder, 'do'>, checkFirst: boolean) {
    const waiting = [...blobs]
    const one = async (): Promise<void> => {
      for (let blob = waiting.shift(); blob !== undefined; blob = waiting.shift()) {
        const path = `/v2/${repository}/blobs/${blob.digest}`
        if (checkFirst) await this.expect(404, 'HEAD', path)
        await this.#pushBlob(repository, blob)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, one))
  }

  async pushBytes(repository: string, digest: string, bytes: Uint8Array): Promise<void> {
    const started = await this.expect(202, 'POST', `/v2/${repository}/blobs/uploads/`)
    await this.expect(201, 'PUT', withDigest(started, digest), {}, [bytes])
  }

  /** @returns the path of its `Location` */
  async expect(
    status: number,
    method: string,
    path: string,
    headers: Readonly<Record<string, string | number>> = {},
    body: Iterable<Uint8Array> = [],
  ): Promise<string> {
    const length = 'Content-Length' in headers ? headers : { ...headers, ...lengthOf(body) }
    const sent = request(new URL(path, `http://${this.#host}`), {
      method,
      agent: this.#agent,
      headers: length,
    })
    const answered = once(sent, 'response') as Promise<[IncomingMessage]>
    const [[answer]] = await Promise.all([answered, pipeline(body, sent)])
    const text = (await answer.setEncoding('utf8').toArray()).join('')
    if (answer.statusCode === status) return pathOf(answer.headers.location ?? '', this.#host)
    throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text.slice(0, 300)}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
  }

  async #pushBlob(repository: string, blob: Blob): Promise<void> {
    const started = await this.expect(202, 'POST', `/v2/${repository}/blobs/uploads/`)
    const headers = { 'Content-Length': blob.size, 'Content-Type': 'application/octet-stream' }
    const patched = await this.expect(202, 'PATCH', started, headers, content(blob))
    await this.expect(201, 'PUT', withDigest(patched, blob.digest))
  }
}

function lengthOf(body: Iterable<Uint8Array>): { 'Content-Length': number } {
  return { 'Content-Length': [...body].reduce((sum, { length }) => sum + length, 0) }
}

function pathOf(location: string, host: string): string {
  const { pathname, search } = new URL(location, `http://${host}`)
  return pathname + search
}

function withDigest(path: string, digest: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
}
