//! Golden vectors, laid out from the tables of CM 6.3 (trimmed appendix) and apart from the code they
//! test, in the form of those of futures and options.

pub(super) use super::super::super::tests::golden_bytes as bytes;

/// A new order in a share: 150 at 25000.05, bought, day.
pub(super) const ENTRY: &str = "
   0 4e20                       Transcode
   2 00003039                   TraderId
   6 52454c49414e43452020       Symbol
  16 4551                       Series
  18 39303030312020202020       AccountNumber: the member's own code
  28 0001                       BookType
  30 0001                       BuySell
  32 00000000                   DisclosedVol
  36 00000096                   Volume
  40 002625a5                   Price
  44 00000000                   GoodTillDate
  48 10                         ST_ORDER_FLAGS: Day
  49 00                         ST_ORDER_FLAGS
  50 0007                       BranchId
  52 00003039                   UserId
  56 3930303031                 BrokerId
  61 20                         Suspended
  62 20*12                      Settlor
  74 0002                       ProClient
  76 42d9438493bc6f00           NNFField
  84 01020304                   TransactionId
  88 41424344453132333446       PAN
  98 00012cc9                   AlgoID
 102 0000                       ReservedFiller
 104 00*32                      Reserved
";

/// A cancel, IOC, sold, half filled, in the pre-open.
pub(super) const CANCEL: &str = "
   0 4e66                       TransactionCode
   2 00000000                   LogTime
   6 00003039                   UserId
  10 0000                       ErrorCode
  12 00*8                       TimeStamp1
  20 00                         TimeStamp2
  21 54                         Modified/CancelledBy
  22 0000                       ReasonCode
  24 52454c49414e43452020       Symbol
  34 4551                       Series
  36 430c6bf5263581c8           OrderNumber
  44 39303030312020202020       AccountNumber
  54 0001                       BookType
  56 0002                       BuySell
  58 00000000                   DisclosedVol
  62 00000000                   DisclosedVolRemaining
  66 0000004b                   TotalVolRemaining
  70 0000004b                   Volume
  74 0000004b                   VolumeFilledToday
  78 002625a5                   Price
  82 57e24f95                   EntryDateTime
  86 57e24f96                   LastModified
  90 04                         ST_ORDER_FLAGS: IOC
  91 08                         ST_ORDER_FLAGS: Preopen
  92 0007                       BranchId
  94 00003039                   UserId
  98 3930303031                 BrokerId
 103 20                         Suspended
 104 20*12                      Settlor
 116 0002                       ProClient
 118 0000                       SettlementType
 120 42d9438493bc6f00           NNFField
 128 01020304                   TransactionId
 132 41424344453132333446       PAN
 142 00012cc9                   AlgoID
 146 0000                       ReservedFiller
 148 14764bd405085f09           LastActivityReference
 156 00*24                      Reserved
";

/// A modification confirmed after a quantity freeze, 225 of 300 filled.
pub(super) const RESPONSE: &str = "
   0 4e6a                       TransactionCode
   2 57e24f94                   LogTime
   6 00003039                   UserId
  10 0000                       ErrorCode
  12 000000003ade68b1           TimeStamp1
  20 05                         TimeStamp2
  21 54                         Modified/CancelledBy
  22 0012                       ReasonCode
  24 52454c49414e43452020       Symbol
  34 4551                       Series
  36 430c6bf5263581c8           OrderNumber
  44 39303030312020202020       AccountNumber
  54 0001                       BookType
  56 0002                       BuySell
  58 00000000                   DisclosedVol
  62 00000000                   DisclosedVolRemaining
  66 0000004b                   TotalVolRemaining
  70 0000004b                   Volume
  74 000000e1                   VolumeFilledToday
  78 002625aa                   Price
  82 57e24f95                   EntryDateTime
  86 57e24f96                   LastModified
  90 10                         ST_ORDER_FLAGS: Day
  91 60                         ST_ORDER_FLAGS: Traded, Modified
  92 0007                       BranchId
  94 00003039                   UserId
  98 3930303031                 BrokerId
 103 20                         Suspended
 104 20*12                      Settlor
 116 0002                       ProClient
 118 0001                       SettlementType: T+1
 120 42d9438493bc6f00           NNFField
 128 01020304                   TransactionId
 132 14764bd38dd2cbe8           Timestamp
 140 41424344453132333446       PAN
 150 00012cc9                   AlgoID
 154 0000                       ReservedFiller
 156 14764bd405085f09           LastActivityReference
 164 00*52                      Reserved
";

/// A trade of 25 at 24999.95, 250 of 300 filled after it.
pub(super) const TRADE: &str = "
   0 4efe                       TransactionCode
   2 57e24f94                   LogTime
   6 00003039                   UserId
  10 14764bd38dd2cbe8           TimeStamp
  18 000000003ade68b1           TimeStamp1
  26 430c6bf5263581c8           ResponseOrderNumber
  34 05                         TimeStamp2
  35 3930303031                 BrokerId
  40 00003039                   TraderNum
  44 0001                       BuySell
  46 39303030312020202020       AccountNum
  56 0000012c                   OriginalVol
  60 00000000                   DisclosedVol
  64 00000032                   RemainingVol
  68 00000000                   DisclosedVolRemaining
  72 002625aa                   Price
  76 10                         ST_ORDER_FLAGS: Day
  77 40                         ST_ORDER_FLAGS: Traded
  78 000f4241                   FillNumber
  82 00000019                   FillQty
  86 0026259b                   FillPrice
  90 000000fa                   VolFilledToday
  94 3220                       ActivityType
  96 57e24f96                   ActivityTime
 100 52454c49414e43452020       Symbol
 110 4551                       Series
 112 0001                       BookType
 114 0002                       ProClient
 116 41424344453132333446       PAN
 126 00012cc9                   AlgoID
 130 0000                       ReservedFiller
 132 14764bd405085f09           LastActivityReference
 140 00*52                      Reserved
";
