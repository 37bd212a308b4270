import { pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Config } from '../config/schema.ts'
import type { LogDestination } from '../cli/daemon-face.ts'
import type { Logger } from 'pino'

/** The daemon's log: JSON lines, or readable ones where a person is watching. One child logger for each room. */
export function createLog(config: Config['log'], destination: LogDestination | undefined): Logger {
  if (destination === undefined) return pino({ level: 'silent' })
  const isPretty =
    config.format === 'pretty' || (config.format === 'auto' && destination.isTTY === true)
  const pretty = prettyFactory({
    colorize: destination.isTTY === true,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,room',
    messageFormat: '{if room}[{room}] {end}{msg}',
  })
  const write = isPretty
    ? (line: string) => destination.write(pretty(line))
    : (line: string) => destination.write(line)
  return pino({ level: config.level, base: null }, { write: (line: string) => void write(line) })
}
