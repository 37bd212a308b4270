import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/**
 * Asks an engine for an image as Kubernetes does: `runtime.v1.ImageService/PullImage` of the Container Runtime
 * Interface, which is gRPC over a Unix socket.
 *
 * @returns the id of the image
 * @throws with what the engine says when it does not have it in the end
 */
export async function pullByCri(
  socket: string,
  image: string,
  { signal }: { signal: AbortSignal },
): Promise<string> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) })
  const failed = once(session, 'error', { signal }).then(([error]): never => {
    throw error as Error
  })
  failed.catch(() => undefined) // told to whoever waits below
  try {
    return await Promise.race([ask(), failed])
  } finally {
    session.destroy()
  }

  async function ask(): Promise<string> {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/runtime.v1.ImageService/PullImage',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let trailers: Record<string, unknown> = {}
    // An answer that is an error has its trailers in its only header.
    for (const event of ['response', 'trailers'] as const)
      stream.on(event, (headers: Record<string, unknown>) => {
        trailers = { ...trailers, ...headers }
      })
    stream.end(framed(field(field(Buffer.from(image)))))
    const answer = await buffer(stream)
    const { 'grpc-status': status, 'grpc-message': message } = trailers
    if (status !== '0')
      throw new Error(`PullImage of ${image}: ${decodeURIComponent(String(message))}`)
    return answer.subarray(5 + 2).toString() // behind the frame, and the head of the only field
  }
}

/** A message whose field 1 holds these bytes, at most 127 of them (Protocol Buffers, "Length-Delimited Records"). */
function field(bytes: Buffer): Buffer {
  if (bytes.length > 127) throw new Error('longer than what one byte tells')
  return Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes])
}

/** A message, not compressed, as gRPC sends it. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
