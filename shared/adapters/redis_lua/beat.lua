-- Prolongs claims. ARGV: prefix, lease in seconds, silence in seconds, holder, what the holder is (role and threads),
-- then id, step, dispatch of each claim.
-- Returns the numbers (from 0) of the claims that are no longer held.
local lease_s, holder, now = tonumber(ARGV[2]), ARGV[4], now_s()
pulse(now, lease_s, tonumber(ARGV[3]))
if ARGV[5] ~= '' then redis.call('ZADD', key('alive'), stamp(now + lease_s), ARGV[5] .. ' ' .. holder) end
local gone = {}
for i = 6, #ARGV, 3 do
  local id = ARGV[i]
  local stored = redis.call('HMGET', job_key(id), 'step', 'dispatch', 'holder', 'work')
  if stored[1] == ARGV[i + 1] and stored[2] == ARGV[i + 2] and stored[3] == holder then
    redis.call('ZADD', key('running:' .. stored[4]), stamp(now + lease_s), id)
    schedule(id, now + lease_s)
  else
    table.insert(gone, (i - 6) / 3)
  end
end
return gone
