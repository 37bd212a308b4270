import { connect } from 'node:net'
import type { Server, Socket } from 'node:net'

/*
 * A process inside a host, through which the test reaches a server there: it is handed a listening socket of the
 * outside, and joins each connection with one to the port of this host's own loopback that its argument names. The
 * lines between the hosts have no part in this, and no host gets a way out by it: nothing can call through it.
 */
const port = Number(process.argv[2])
process.on('message', (_, server: Server) => {
  server.on('connection', (outside: Socket) => {
    const inside = connect({ port, host: '127.0.0.1', noDelay: true })
    outside.setNoDelay(true)
    join(outside, inside)
    join(inside, outside)
  })
  process.send?.('open')
})

/** What ends badly here ends badly there, so that a client sees an answer cut short as one. */
function join(from: Socket, to: Socket): void {
  from.pipe(to)
  from.on('error', () => to.resetAndDestroy())
  from.on('close', (broken) => {
    if (broken) to.resetAndDestroy()
    else to.destroySoon()
  })
}
