import { gzipSync } from 'node:zlib'

/** A header of an archive, with its checksum. */
function header(fields: readonly (readonly [at: number, text: string])[], filler: string): Buffer {
  const block = Buffer.alloc(512, filler)
  for (const [at, text] of [...fields, [148, ' '.repeat(8)] as const]) block.write(text, at)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`0${sum.toString(8).padStart(5, '0')}  `, 148)
  return block
}

/** An archive with one file, as images have them. */
export function tarOf(name: string, content: string): Buffer {
  const size = Buffer.byteLength(content).toString(8).padStart(11, '0')
  const fields = [
    [0, name],
    [100, '0000755\0'],
    [108, '0000000\0'],
    [116, '0000000\0'],
    [124, `${size}\0`],
    [136, '00000000000\0'],
    [156, '0'],
    [257, 'ustar\x0000'],
  ] as const
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512)
  padded.write(content)
  return Buffer.concat([header(fields, '\0'), padded, Buffer.alloc(1024)])
}

/** An archive of the oldest format, with one file, that is a JSON object as well: `tar` reads it. */
export function jsonAndTar(): Buffer {
  const content = `${'#!/bin/sh'.padEnd(508)}":1}`
  const fields = [
    [0, `{"${'/'.repeat(88)}../bin/sh`],
    [100, '0000755 '],
    [108, '0000000 '],
    [116, '0000000 '],
    [124, `${content.length.toString(8).padStart(11, '0')} `],
    [136, '00000000000 '],
    [156, '0'],
  ] as const
  return Buffer.concat([header(fields, ' '), Buffer.from(content)])
}

/** What an image has for a layer. */
export const LAYER = gzipSync(tarOf('bin/sh', '\x7fELF…'))
