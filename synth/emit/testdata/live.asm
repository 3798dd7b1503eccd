    0  r5 = *(u32 *)(r1 +0)                        ; data
    1  r2 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r3 = r5                                     ; v12 bound
    3  r3 += 0x22                                  ; v12 bound
    4  if r3 > r2 -> punt short                    ; v12 bound
    5  r2 = *(u32 *)(r5 +26)                       ; v1 load
    6  r2 = be32 r2                                ; v1 load
    7  r3 = *(u32 *)(r5 +30)                       ; v2 load
    8  r3 = be32 r3                                ; v2 load
    9  r4 = *(u16 *)(r5 +16)                       ; v3 load
   10  r4 = be16 r4                                ; v3 load
   11  r6 = *(u8 *)(r5 +22)                        ; v4 load
   12  if w6 <= 0x1 -> punt ttl                    ; v14 guard
   13  *(u64 *)(rfp -64) = 0                       ; v6 lookup
   14  *(u64 *)(rfp -56) = 0                       ; v6 lookup
   15  *(u64 *)(rfp -48) = 0                       ; v6 lookup
   16  *(u64 *)(rfp -40) = 0                       ; v6 lookup
   17  *(u64 *)(rfp -32) = 0                       ; v6 lookup
   18  *(u64 *)(rfp -24) = 0                       ; v6 lookup
   19  *(u64 *)(rfp -16) = 0                       ; v6 lookup
   20  *(u64 *)(rfp -8) = 0                        ; v6 lookup
   21  *(u8 *)(rfp -64) = 2                        ; v6 lookup
   22  r2 = be32 r2                                ; v6 lookup
   23  *(u32 *)(rfp -48) = r2                      ; v6 lookup
   24  r3 = be32 r3                                ; v6 lookup
   25  *(u32 *)(rfp -32) = r3                      ; v6 lookup
   26  *(u16 *)(rfp -58) = r4                      ; v6 lookup
   27  r2 = 0x11                                   ; v6 lookup
   28  *(u8 *)(rfp -63) = r2                       ; v6 lookup
   29  r2 = *(u32 *)(r1 +12)                       ; v6 lookup
   30  *(u32 *)(rfp -56) = r2                      ; v6 lookup
   31  r2 = rfp                                    ; v6 lookup
   32  r2 += -0x40                                 ; v6 lookup
   33  r3 = 0x40                                   ; v6 lookup
   34  r4 = 0x0                                    ; v6 lookup
   35  *(u64 *)(rfp -72) = r5                      ; live through the call
   36  call FnFibLookup                            ; v6 lookup
   37  r5 = *(u64 *)(rfp -72)                      ; live through the call
   38  w2 = w0                                     ; v7 field
   39  if w2 != 0x0 -> punt live-lookup            ; v20 guard
   40  r2 = *(u16 *)(rfp -6)                       ; v8 field
   41  r3 = *(u32 *)(rfp -4)                       ; v8 field
   42  r3 <<= 0x10                                 ; v8 field
   43  r2 |= r3                                    ; v8 field
   44  r3 = *(u16 *)(rfp -12)                      ; v8 field
   45  r3 <<= 0x30                                 ; v8 field
   46  r2 |= r3                                    ; v8 field
   47  *(u64 *)(r5 +0) = r2                        ; v22 store.le
   48  r2 = *(u16 *)(rfp -10)                      ; v9 field
   49  r3 = *(u16 *)(rfp -8)                       ; v9 field
   50  r3 <<= 0x10                                 ; v9 field
   51  r2 |= r3                                    ; v9 field
   52  *(u32 *)(r5 +8) = r2                        ; v23 store.le
   53  r6 -= 0x1                                   ; v11 sub
   54  *(u8 *)(r5 +22) = r6                        ; v25 store
   55  call FnGetSmpProcessorId                    ; count live
   56  w0 <<= 0xb                                  
   57  w0 &= 0x800                                 
   58  r2 = &stats[1032]                           
   60  r2 += r0                                    
   61  r3 = *(u64 *)(r2 +0)                        
   62  r3 += 0x1                                   
   63  *(u64 *)(r2 +0) = r3                        
   64  r1 = *(u32 *)(rfp -56)                      ; redirect
   65  r2 = 0x0                                    
   66  call FnRedirect                             
   67  exit                                        
punt short:
   68  call FnGetSmpProcessorId                    
   69  r2 = 0x10                                   
   70  goto -> count and pass                      
punt ttl:
   71  call FnGetSmpProcessorId                    
   72  r2 = 0x50                                   
   73  goto -> count and pass                      
punt live-lookup:
   74  call FnGetSmpProcessorId                    
   75  r2 = 0x138                                  
count and pass:
   76  w0 <<= 0xb                                  
   77  w0 &= 0x800                                 
   78  r3 = &stats[0]                              
   80  r3 += r0                                    
   81  r3 += r2                                    
   82  r2 = *(u64 *)(r3 +0)                        
   83  r2 += 0x1                                   
   84  *(u64 *)(r3 +0) = r2                        
   85  r0 = 0x2                                    
   86  exit                                        
