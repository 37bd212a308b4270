import assert from 'node:assert/strict'
import { DiskRoom, pushReserveOf, reserveOf } from '../../src/daemon/disk-room.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

describe('the room that replication leaves on the disk', () => {
  for (const [total, kept] of [
    [1 * GiB, 256 * MiB],
    [100 * GiB, 5 * GiB],
    [4096 * GiB, 10 * GiB],
  ] as const) {
    it(`is ${kept / MiB} MiB of ${total / GiB} GiB`, () => {
      assert.equal(reserveOf({ total }), kept)
    })
  }

  function bench(free: number) {
    const space = { free, total: 100 * GiB, freeFiles: Infinity }
    const clock = { now: 0, looks: 0 }
    const look = () => {
      clock.looks++
      return Promise.resolve({ ...space })
    }
    return { space, clock, room: new DiskRoom(look, () => clock.now) }
  }

  it('is given while there is enough, and the disk is looked at now and then', async () => {
    const { room, clock } = bench(6 * GiB)
    for (let n = 0; n < 33; n++) await room.make()
    assert.equal(clock.looks, 1)
    await room.make()
    assert.equal(clock.looks, 2)
    clock.now += 1000
    await room.make()
    assert.equal(clock.looks, 3)
  })

  it('is refused before the disk is full, until somebody makes room', async () => {
    const { room, space } = bench(5 * GiB - 1)
    const refusal = {
      name: 'StorageError',
      code: 'ENOSPC',
      passes: true,
      message: /^the disk has 5120 MiB left, and replication leaves 5120 MiB free: make room/,
    }
    await assert.rejects(room.make(), refusal)
    space.free = 5 * GiB
    await room.make()
  })

  it('is that of a real directory', async () => {
    await DiskRoom.at(import.meta.dirname).make()
  })
})

describe('the room that pushes leave on the disk', () => {
  it('is a part of the disk, and less than replication leaves', () => {
    for (const [total, kept] of [
      [64 * MiB, 8 * MiB],
      [512 * MiB, 32 * MiB],
      [10 * GiB, 256 * MiB],
      [4096 * GiB, 1 * GiB],
    ] as const) {
      assert.equal(pushReserveOf({ total }), kept)
      assert.ok(kept < reserveOf({ total }))
    }
  })

  it('is told of once when it is gone, and once when it is back', async () => {
    const space = { free: 2 * GiB, total: 100 * GiB, freeFiles: 1000 }
    const told: boolean[] = []
    const room = new DiskRoom(
      () => Promise.resolve({ ...space }),
      () => 0,
      {
        reserve: pushReserveOf,
        who: 'pushes leave',
        advice: 'make room',
        onChange: (shortage) => told.push(shortage !== undefined),
      },
    )
    assert.equal(await room.shortage(), undefined)
    space.free = 1 * GiB - 1
    const low = /the disk has 1024 MiB left, and pushes leave 1024 MiB free: make room/
    for (let n = 0; n < 3; n++) assert.match((await room.shortage()) ?? '', low)
    await assert.rejects(room.make(), { code: 'ENOSPC', passes: true })
    space.free = 1 * GiB
    await room.make()
    assert.deepEqual(told, [true, false])
    space.freeFiles = 255
    assert.match(
      (await room.shortage()) ?? '',
      /255 more files \(inodes\), and pushes leave 256: make room/,
    )
    space.freeFiles = 256
    assert.equal(await room.shortage(), undefined)
    assert.deepEqual(told, [true, false, true, false])
  })
})
