import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { create } from 'multiformats/hashes/digest'
import { sha256 } from '../../../src/blocks/cids.ts'
import { Fellows } from '../../../src/ipfs/transfer/fellows.ts'
import type { Peers } from '../../../src/ipfs/transfer/peers.ts'

const hashOf = (text: string): Uint8Array => sha256(Buffer.from(text))
const named = (text: string) => ({ id: create(0x12, hashOf(text)).bytes, addresses: [] })

describe('fellows', () => {
  it('that others named and that cannot be called end nothing, whatever was wrong', async () => {
    const peers: Pick<Peers, 'isConnected' | 'isSpeaker' | 'canBeAsked' | 'link'> = {
      isConnected: () => false,
      isSpeaker: () => false,
      canBeAsked: () => true,
      link: () => assert.fail('nobody is there'),
    }
    let calls = 0
    const fellows = new Fellows({
      peers: peers as Peers,
      dial: () => {
        calls++
        return Promise.reject(new TypeError('an address that nobody thought of'))
      },
      onFellow: () => assert.fail('there is none'),
    })
    const failures: unknown[] = []
    const note = (error: unknown): void => void failures.push(error)
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', note)
    try {
      fellows.join(hashOf('root'), [])
      for (let number = 0; number < 10; number++) {
        fellows.onNamed(hashOf('root'), [named(`${number}`)])
        await turn()
      }
      await turn()
    } finally {
      process.removeListener('unhandledRejection', note)
      for (const listener of listeners) process.on('unhandledRejection', listener)
    }
    assert.deepEqual(failures, [])
    assert.equal(calls, 10, 'none that failed takes the place of another')
    fellows.stop()
  })
})
