-- Stands before each of the other scripts. One Redis server, no cluster: keys are built from the prefix, ARGV[1].
--
-- job:<id>      hash: version, status, created, body (JSON), dispatches (numbers given so far), canceled; and where the
--               pending command stands: step, stage, dispatch, work (what is waited for), sends, holder, lost, answer
-- events:<id>   stream of public events; the id of an entry is <seq>-0
-- waiting:<work>, running:<work>   sorted sets of job ids, by since when and by the end of their lease
-- due           sorted set of job ids by the time at which the sweeper has to look at them
-- attention     sorted set of job ids by the time at which the loop has to look at them, whatever their stage does
-- unfinished, queued   sorted sets of job ids by time of creation; of:<owner>, of:<owner>:<status> by id
-- names:<owner>  hash: client id to job id; key:<owner>:<idempotency key> a string: time of creation and job id
-- expires        sorted set of the ids of ended jobs by the time from which they may be deleted
-- delivery:<job>|<seq>   hash: body (JSON), site, claims, revision, leased_until; deliveries:<job> their names;
--                deliveries_due by the time of the next try; deliveries_at:<site> those under lease
-- seconds        hash: seconds that a job spends in a stage, smoothed; alive: workers by the end of what they last said
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

-- Lists by owner, status and age.
local function list(id, facts)
  redis.call('ZADD', key('of:' .. facts.owner), 0, id)
  redis.call('ZADD', key('of:' .. facts.owner .. ':' .. facts.status), 0, id)
  if not facts.ended then redis.call('ZADD', key('unfinished'), stamp(facts.created), id) end
  if facts.status == 'queued' then redis.call('ZADD', key('queued'), stamp(facts.created), id) end
end

local function unlist(id, owner, status)
  if not status then return end
  redis.call('ZREM', key('of:' .. owner), id)
  redis.call('ZREM', key('of:' .. owner .. ':' .. status), id)
  for _, name in ipairs({'unfinished', 'queued', 'attention'}) do redis.call('ZREM', key(name), id) end
end

-- The job that bears one of the names already, or nil. A key names its job for `life_s`.
local function name_taken(facts, life_s)
  if facts.client_id then
    local other = redis.call('HGET', key('names:' .. facts.owner), facts.client_id)
    if other then return other end
  end
  if facts.idempotency_key then
    local entry = redis.call('GET', key('key:' .. facts.owner .. ':' .. facts.idempotency_key))
    if entry then
      local created, other = entry:match('^(%S+) (.*)$')
      if tonumber(created) > facts.created - life_s then return other end
    end
  end
end

local function take_names(id, facts, life_s)
  if facts.client_id then redis.call('HSET', key('names:' .. facts.owner), facts.client_id, id) end
  if facts.idempotency_key then
    local name = key('key:' .. facts.owner .. ':' .. facts.idempotency_key)
    redis.call('SET', name, stamp(facts.created) .. ' ' .. id, 'EX', math.ceil(life_s) + 3600)
  end
end

-- Each ended job moves the estimate by a tenth.
local function count_seconds(seconds)
  for stage, value in pairs(seconds) do
    local old = tonumber(redis.call('HGET', key('seconds'), stage))
    redis.call('HSET', key('seconds'), stage, stamp(old and 0.9 * old + 0.1 * value or value))
  end
end
