import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/*
 * One plain TCP stream between two hosts, to see what a line carries. `serve` gives to whoever connects the number of
 * bytes that is asked for; `take <address> <bytes>` takes them and writes the milliseconds that took.
 */

const PORT = 7000
const PIECE = Buffer.alloc(64 * 1024)

async function serve(): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // whoever goes away has had enough
    socket.once('data', (asked) => {
      let left = Number(asked.toString())
      const give = (): void => {
        for (let more = true; left > 0 && more; left -= PIECE.length)
          more = socket.write(PIECE.subarray(0, Math.min(left, PIECE.length)))
        if (left > 0) socket.once('drain', give)
        else socket.end()
      }
      give()
    })
  })
  server.listen(PORT)
  await once(server, 'listening')
  process.send?.('listening')
}

async function take(address: string, bytes: string): Promise<void> {
  const began = performance.now()
  const socket = connect({ port: PORT, host: address })
  socket.write(bytes)
  let taken = 0
  for await (const piece of socket) taken += (piece as Buffer).length
  if (taken !== Number(bytes)) throw new Error(`${taken} of ${bytes} bytes came`)
  console.log(Math.round(performance.now() - began))
}

const [role, address = '', bytes = ''] = process.argv.slice(2)
if (role === 'serve') await serve()
else await take(address, bytes)
