import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Starvation } from './starvation.ts'

/*
 * Loaded into a daemon by `--import`: tells how long its event loop was held, and how much memory it had.
 *
 * How long is told in processor time of the main thread, from one turn of a timer to the next: a machine that does much
 * else delays the timer and does not make us work, so that what counts is what the daemon did in between.
 */

const EVERY_MS = 5

/** What was seen since the last time somebody asked. */
export interface Reading {
  /** The most processor time between two turns of the event loop, in ms. */
  heldMs: number
  /** Most memory of the process, in bytes. */
  rss: number
  /** All processor time of the process, in ms. */
  cpuMs: number
  /** The share of the time in which it had something to do and was not let: what a busy machine does to it. */
  starved: number
}

const FILE = process.env['TEST_PROBE']

function start(file: string): void {
  const starvation = new Starvation(EVERY_MS)
  let seen = { heldMs: 0, rss: 0 }
  let before = process.threadCpuUsage()
  let all = process.cpuUsage()
  const timer = setInterval(() => {
    const used = process.threadCpuUsage(before)
    before = process.threadCpuUsage()
    const heldMs = (used.user + used.system) / 1000
    seen.heldMs = Math.max(seen.heldMs, heldMs)
    seen.rss = Math.max(seen.rss, process.memoryUsage.rss())
  }, EVERY_MS)
  timer.unref()
  const server = createServer((_, res) => {
    const used = process.cpuUsage(all)
    all = process.cpuUsage()
    const reading: Reading = {
      ...seen,
      cpuMs: (used.user + used.system) / 1000,
      starved: starvation.take(),
    }
    res.end(JSON.stringify(reading))
    seen = { heldMs: 0, rss: process.memoryUsage.rss() }
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object') writeFileSync(file, String(address?.port))
  })
  server.unref()
}

if (FILE !== undefined) start(FILE)
