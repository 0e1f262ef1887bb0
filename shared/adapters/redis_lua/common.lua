-- Stands before each of the other scripts. One Redis server, no cluster: keys are built from the prefix, ARGV[1].
--
-- job:<id>      hash: version, status, created, body (JSON), dispatches (numbers given so far), canceled; and where the
--               pending command stands: step, stage, dispatch, work (what is waited for), sends, holder, lost, answer
-- events:<id>   stream of public events; the id of an entry is <seq>-0
-- unfinished    sorted set of job ids by time of creation
-- waiting:<work>, running:<work>   sorted sets of job ids, by since when and by the end of their lease
-- due           sorted set of job ids by the time at which the sweeper has to look at them
-- attention     sorted set of job ids by the time at which the loop has to look at them, whatever their stage does
-- pulse, amnesty_until   when a script last ran that runs all the time, and until when no lease counts as expired
local prefix = ARGV[1]

local function key(name) return prefix .. name end
local function job_key(id) return prefix .. 'job:' .. id end

-- Seconds since the epoch by Redis' own clock, the only one that leases are measured by.
local function now_s()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

-- Scores and fields keep milliseconds; Lua would print large numbers with 14 digits.
local function stamp(seconds) return string.format('%.3f', seconds) end

local function schedule(id, at_s) redis.call('ZADD', key('due'), stamp(at_s), id) end

-- Takes a job out of the backlog of the work that it waited for.
local function unqueue(id, work)
  if work then
    redis.call('ZREM', key('waiting:' .. work), id)
    redis.call('ZREM', key('running:' .. work), id)
  end
end

-- The job waits for `work` from now on; whoever wrote this publishes it, and the sweeper does where that did not happen.
local function wait_for(id, work, old_work, now, first_send_s)
  unqueue(id, old_work)
  redis.call('HSET', job_key(id), 'work', work, 'sends', 0, 'holder', '')
  redis.call('ZADD', key('waiting:' .. work), stamp(now), id)
  schedule(id, now + first_send_s)
end

-- Where nobody has called for longer than `silence_s`, Redis was down or stood still, and no lease could be kept:
-- leases expire for nobody until one lease later.
local function pulse(now, lease_s, silence_s)
  local last = tonumber(redis.call('GET', key('pulse')))
  if last and now - last > silence_s then
    redis.call('SET', key('amnesty_until'), stamp(now + lease_s))
  end
  redis.call('SET', key('pulse'), stamp(now))
end
