-- Replaces a delivery, ends its lease. ARGV: prefix, name, field that must be unchanged ('claims' or 'revision'), its
-- value, body, next attempt in seconds or '', by how much to raise the number of claims (a replay voids those given).
-- Returns 0 where the delivery is gone or the field has changed.
local name, delivery = ARGV[2], key('delivery:' .. ARGV[2])
local stored = redis.call('HMGET', delivery, ARGV[3], 'site')
if stored[1] ~= ARGV[4] then return 0 end
redis.call('HSET', delivery, 'body', ARGV[5], 'leased_until', 0)
redis.call('HINCRBY', delivery, 'revision', 1)
redis.call('HINCRBY', delivery, 'claims', ARGV[7])
redis.call('ZREM', key('deliveries_at:' .. stored[2]), name)
if ARGV[6] == '' then
  redis.call('ZREM', key('deliveries_due'), name)
else
  redis.call('ZADD', key('deliveries_due'), ARGV[6], name)
end
return 1
