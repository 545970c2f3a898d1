import { createRequest, type Client } from '@urql/core'
import { useEffect, useRef, useState } from 'react'
import { onEnd, pipe, subscribe, takeUntil, makeSubject } from 'wonka'
import { liveSubscription, type Change, type GroupRef } from './documents'

export type LiveState = 'off' | 'listening' | 'reconnecting'

const shortest = 1000
const longest = 30_000

/**
 * useLive hands every change of the groups to onChange, once each. A broken connection is made anew, ever less often, from the last
 * change on, so that none is lost.
 */
export function useLive(client: Client, groups: GroupRef[], onChange: (change: Change) => void): LiveState {
  const [state, setState] = useState<LiveState>('off')
  const handler = useRef(onChange)
  useEffect(() => {
    handler.current = onChange
  })

  useEffect(() => {
    if (groups.length === 0) return setState('off')
    const over = makeSubject<void>()
    let since: string | undefined
    let wait = shortest
    let timer: ReturnType<typeof setTimeout> | undefined
    let done = false

    const again = () => {
      if (done || timer !== undefined) return
      setState('reconnecting')
      timer = setTimeout(connect, wait)
      wait = Math.min(2 * wait, longest)
    }
    const connect = () => {
      timer = undefined
      setState('listening')
      pipe(
        client.executeSubscription(createRequest(liveSubscription, { groups, since })),
        takeUntil(over.source),
        onEnd(again),
        subscribe((result) => {
          const change = result.data?.scalingActivityChanged
          if (change && change.cursor !== since) {
            since = change.cursor
            wait = shortest
            setState('listening')
            handler.current(change)
          }
          if (result.error) again()
        }),
      )
    }
    connect()
    return () => {
      done = true
      clearTimeout(timer)
      over.next()
      over.complete()
    }
  }, [client, groups])
  return state
}
