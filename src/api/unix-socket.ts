import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'

/**
 * Removes the socket file of a daemon that died. One that answers, and what is no socket, stays: then listening
 * fails as it should.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  if ((await isSocket(path)) && !(await answers(path))) await unlink(path)
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSocket()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}
