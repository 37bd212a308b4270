import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Shaper } from './shaper.ts'
import type { Socket } from 'node:dgram'
import type { Lines } from './line.ts'

/*
 * A process of its own between hosts and their switch, for kernels without netem: whole Ethernet frames come as VXLAN
 * in UDP (RFC 7348), and go on as the line says. Told by messages; each is answered with its number.
 */

/** The UDP port of VXLAN. */
export const VXLAN = 4789

/** The underlay of line 1, 2, …: between a host and the relay, and between the relay and the switch. */
export const underlay = (line: number) =>
  ({
    host: `198.18.${line}.1`,
    toHost: `198.18.${line}.2`,
    toSwitch: `198.19.${line}.2`,
    switch: `198.19.${line}.1`,
  }) as const

/** Sets a line; the first time it begins to carry. */
export interface LineMessage extends Lines {
  readonly number: number
  readonly line: number
}

const lines = new Map<number, { up: Shaper; down: Shaper }>()

async function set({ number, line, up, down }: LineMessage): Promise<void> {
  const shapers = lines.get(line) ?? (await open(line))
  shapers.up.line = up
  shapers.down.line = down
  process.send?.(number)
}

async function open(line: number): Promise<{ up: Shaper; down: Shaper }> {
  const ends = underlay(line)
  const host = await bound(ends.toHost)
  const toSwitch = await bound(ends.toSwitch)
  const up = new Shaper((packet) => toSwitch.send(packet, VXLAN, ends.switch))
  const down = new Shaper((packet) => host.send(packet, VXLAN, ends.host))
  host.on('message', (packet) => up.take(packet))
  toSwitch.on('message', (packet) => down.take(packet))
  const shapers = { up, down }
  lines.set(line, shapers)
  return shapers
}

async function bound(address: string): Promise<Socket> {
  const socket = createSocket('udp4')
  // A host that goes away takes its cable with it; that is no fault of ours.
  socket.on('error', () => undefined)
  socket.bind(VXLAN, address)
  await once(socket, 'listening')
  return socket
}

if (import.meta.main) process.on('message', (message) => void set(message as LineMessage))
