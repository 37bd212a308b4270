import assert from 'node:assert/strict'
import { once } from 'node:events'
import { image, layer, tags, UPLOADED_DIGEST } from './fixtures.ts'
import type { Target } from './target.ts'

const REQUESTS = 1000
const HOST = 'Host: localhost\r\n'

export async function sendsThousandAtOnce(target: Target): Promise<void> {
  const before = await target.holds()
  const raw = target.raw()
  const sizes = Array.from({ length: REQUESTS }, (_, n) => n % (tags.length + 1))
  raw.write(sizes.map((n) => `GET /v2/app/tags/list?n=${n} HTTP/1.1\r\n${HOST}\r\n`).join(''))
  raw.write(`GET /healthz HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  const received = await raw.closed()
  const lists = [...received.matchAll(/"tags":(\[.*?\])/g)].map(([, list]) => list)
  assert.deepEqual(
    lists,
    sizes.map((n) => JSON.stringify(tags.slice(0, n))),
  )
  assert.match(received, /"status":"ok"/)
  await target.letsGo(before)
}

/** Every kind of request that opens, reads or writes something, without the body that it announces. */
function heads(upload: string): string[] {
  const length = `${HOST}Content-Length: 4000\r\n\r\n`
  return [
    `GET /v2/app/blobs/${layer.digest} HTTP/1.1\r\n${HOST}\r\n`,
    `GET /v2/app/manifests/a HTTP/1.1\r\n${HOST}\r\n`,
    `GET /v2/_catalog HTTP/1.1\r\n${HOST}\r\n`,
    `PUT /v2/app/manifests/bad HTTP/1.1\r\nContent-Type: ${image.mediaType}\r\n${length}`,
    `PATCH ${upload} HTTP/1.1\r\n${length}`,
    `PUT ${upload}?digest=${UPLOADED_DIGEST} HTTP/1.1\r\n${length}`,
    `POST /v2/app/blobs/uploads/?digest=${UPLOADED_DIGEST} HTTP/1.1\r\n${length}`,
  ]
}

/** The last head of each has no body; those before it are requests without one, all sent at once. */
export async function leaves(target: Target): Promise<void> {
  const upload = await target.startUpload()
  const before = await target.holds()
  const all = heads(upload)
  const reads = all.slice(0, 3)
  for (let sent = 0; sent < REQUESTS;) {
    const batch = Array.from({ length: 20 }, async (_, n) => {
      const last = (sent + n) % all.length
      sent += last + 1
      const socket = target.raw().socket
      await once(socket, 'connect')
      const first = Array.from({ length: last }, (_unused, at) => reads[at % reads.length]!)
      socket.write([...first, all[last]!].join(''), () => socket.destroy())
      await once(socket, 'close')
    })
    await Promise.all(batch)
  }
  await target.letsGo(before)
  await target.finishes(upload)
}

export async function leavesInTheMiddle(target: Target): Promise<void> {
  const upload = await target.startUpload()
  const before = await target.holds()
  for (const head of heads(upload)) {
    const batch = Array.from({ length: head.length - 1 }, async (_, n) => {
      const socket = target.raw().socket
      await once(socket, 'connect')
      socket.write(head.slice(0, n + 1), () => socket.destroy())
      await once(socket, 'close')
    })
    await Promise.all(batch)
  }
  await target.letsGo(before)
  await target.finishes(upload)
}
