import assert from 'node:assert/strict'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { RegistryClient } from '../../support/client.ts'
import { DaemonProcess } from '../../support/daemon-process.ts'
import { call, RawClient } from '../../support/http.ts'
import { eventually } from '../../support/two-nodes.ts'
import { image, tags, UPLOADED, UPLOADED_DIGEST, UPLOADED_PART } from './fixtures.ts'
import type { DaemonStatus } from '../../support/daemon-process.ts'
import type { Answer, CallOptions } from '../../support/http.ts'

/** A real daemon that bad requests are sent to, with nothing between the request and the wire. */
export class Target {
  #daemon: DaemonProcess | undefined
  readonly #clients: RawClient[] = []
  readonly #heard = new Set<string>()

  /** Starts it before the specs of this block, with the image in it, and stops it after them. */
  use(): this {
    before(async () => {
      this.#daemon = await DaemonProcess.start({
        nodeOptions: [`--import=${join(import.meta.dirname, 'shorten.ts')}`],
      })
      for (const tag of tags) await this.client.pushImage('app', image, { tag })
      // There already, so that an upload of it that is finished changes nothing.
      await this.client.pushBlob('app', UPLOADED)
    })
    afterEach(() => {
      for (const client of this.#clients.splice(0)) client.destroy()
    })
    after(() => this.#daemon?.remove())
    return this
  }

  get daemon(): DaemonProcess {
    return this.#daemon ?? assert.fail('the daemon runs only inside its describe')
  }

  get client(): RegistryClient {
    return new RegistryClient(this.daemon.url)
  }

  get port(): number {
    return Number(new URL(this.daemon.url).port)
  }

  /** One request on a connection of its own. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer> {
    return call({ port: this.port }, method, path, options)
  }

  /** A connection for any bytes, which goes with the row. */
  raw(): RawClient {
    const client = new RawClient(this.port)
    this.#clients.push(client)
    return client
  }

  status(): Promise<DaemonStatus> {
    return this.daemon.status()
  }

  /** The root of the tree: what was not changed has the same. */
  async root(): Promise<string> {
    return (await this.status()).storage.root
  }

  /** Opens an upload that has its first part. */
  async startUpload(): Promise<string> {
    const { client } = this
    return client.patch(await client.startUpload('app'), UPLOADED.subarray(0, UPLOADED_PART))
  }

  /** Where an upload stands, in bytes. */
  async offsetOf(upload: string): Promise<number> {
    const { headers } = await this.client.expect(204, 'GET', upload)
    const last = Number(/^0-(\d+)$/.exec(headers.get('range') ?? '')?.[1])
    return last === 0 ? 0 : last + 1
  }

  /**
   * Sends what an upload does not have of its content. It is free when its last request has ended, of which a client whose
   * connection broke hears nothing; until then a chunk is 416.
   *
   * @returns where it stood
   */
  async goesOn(upload: string, content: Uint8Array): Promise<number> {
    for (;;) {
      const offset = await this.offsetOf(upload)
      const headers = { 'Content-Range': `${offset}-${content.length - 1}` }
      const body = content.subarray(offset)
      const { status } = await this.call('PATCH', upload, { headers, body })
      if (status === 202) return offset
      assert.equal(status, 416)
    }
  }

  /** An upload that was left alone stands where it did, and can be finished. */
  async finishes(upload: string): Promise<void> {
    assert.equal(await this.offsetOf(upload), UPLOADED_PART)
    await this.client.patch(upload, UPLOADED.subarray(UPLOADED_PART), UPLOADED_PART)
    await this.client.finish(upload, UPLOADED_DIGEST)
  }

  /** The process lives, and has not had to say since it was last asked that something was its own fault. */
  async isWell(): Promise<void> {
    assert.equal((await this.call('GET', '/healthz')).status, 200)
    const complaints = this.daemon.log.filter(
      (line) => /"level":[56]0|"status":5\d\d/.test(line) && !this.#heard.has(line),
    )
    for (const line of complaints) this.#heard.add(line)
    assert.deepEqual(complaints, [])
  }

  /** Sockets that it has open. */
  async sockets(): Promise<number> {
    const directory = `/proc/${this.daemon.pid}/fd`
    const links = (await readdir(directory)).map(async (fd) => {
      // Some are gone before they are read.
      const link = await readlink(join(directory, fd)).catch(() => '')
      return link.startsWith('socket:')
    })
    return (await Promise.all(links)).filter(Boolean).length
  }

  /** Waits until it has let go of what was opened since there were so many sockets and uploads. */
  async letsGo(before: { sockets: number; uploads: number }): Promise<void> {
    await eventually(
      async () => (await this.sockets()) <= before.sockets,
      'as few sockets as before',
    )
    const isSame = async () => (await this.status()).storage.uploads === before.uploads
    await eventually(isSame, 'as few uploads as before')
  }

  async holds(): Promise<{ sockets: number; uploads: number }> {
    return { sockets: await this.sockets(), uploads: (await this.status()).storage.uploads }
  }

  /** Bytes of memory that it has for itself, so without what is only mapped. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.daemon.pid}/status`, 'utf8')
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
  }
}
