    0  r3 = *(u32 *)(r1 +0)                        ; data
    1  r4 = *(u32 *)(r1 +4)                        ; data_end
entry:
    2  r2 = r3                                     ; v13 bound
    3  r2 += 0x22                                  ; v13 bound
    4  if r2 > r4 -> punt short                    ; v13 bound
    5  r2 = *(u32 *)(r3 +26)                       ; v1 load
    6  r2 = be32 r2                                ; v1 load
    7  r5 = 0x1                                    ; v2 lookup
    8  if w2 == 0xa000001 -> .5                    ; v2 lookup
    9  w2 &= 0xffffff00                            ; v2 lookup
   10  if w2 == 0xc0000200 -> .5                   ; v2 lookup
   11  r5 = 0x0                                    ; v2 lookup
.5:
   12  if w5 != 0x0 -> punt source-own             ; v15 guard
.7:
   13  r2 = *(u32 *)(r3 +30)                       ; v5 lookup
   14  r2 = be32 r2                                ; v5 lookup
   15  w2 >>= 0x8                                  ; v5 lookup
   16  w2 <<= 0x1                                  ; v5 lookup
   17  r5 = &route4[0]                             ; v5 lookup
   19  r5 += r2                                    ; v5 lookup
   20  r2 = *(u16 *)(r5 +0)                        ; v5 lookup
   21  if w2 < 0x8000 -> .9                        ; v5 lookup
.8:
   22  w2 &= 0x7                                   ; v5 lookup
   23  w2 <<= 0x9                                  ; v5 lookup
   24  r5 = *(u8 *)(r3 +33)                        ; v5 lookup
   25  w5 <<= 0x1                                  ; v5 lookup
   26  w5 += w2                                    ; v5 lookup
   27  r2 = &route4[33554432]                      ; v5 lookup
   29  r2 += r5                                    ; v5 lookup
   30  r2 = *(u16 *)(r2 +0)                        ; v5 lookup
.9:
   31  w2 &= 0xf                                   ; v6 lookup
   32  w2 <<= 0x4                                  ; v6 lookup
   33  r5 = &nexthop[0]                            ; v6 lookup
   35  r5 += r2                                    ; v6 lookup
   36  r6 = *(u32 *)(r5 +8)                        ; v7 field
   37  *(u32 *)(rfp -8) = r6                       ; v8 lookup
   38  r1 = map device                             ; v8 lookup
   40  r2 = rfp                                    ; v8 lookup
   41  r2 += -0x8                                  ; v8 lookup
   42  *(u64 *)(rfp -16) = r5                      ; live through the call
   43  *(u64 *)(rfp -24) = r4                      ; live through the call
   44  *(u64 *)(rfp -32) = r3                      ; live through the call
   45  call FnMapLookupElem                        ; v8 lookup
   46  r3 = *(u64 *)(rfp -32)                      ; live through the call
   47  r4 = *(u64 *)(rfp -24)                      ; live through the call
   48  r5 = *(u64 *)(rfp -16)                      ; live through the call
   49  if r0 == 0x0 -> punt live-device            ; v17 guard
   50  r4 -= r3                                    ; v11 meta
   51  r2 = *(u32 *)(r0 +0)                        ; v10 field
   52  if w4 > w2 -> punt mtu                      ; v18 guard
   53  *(u8 *)(r5 +12) = 1                         ; v19 mark
   54  r2 = *(u64 *)(r5 +0)                        ; v12 field
   55  *(u64 *)(r3 +0) = r2                        ; v20 store.le
   56  r1 = r6                                     ; redirect
   57  r2 = 0x0                                    
   58  call FnRedirect                             
   59  exit                                        
punt short:
   60  call FnGetSmpProcessorId                    
   61  r2 = 0x10                                   
   62  goto -> count and pass                      
punt source-own:
   63  call FnGetSmpProcessorId                    
   64  r2 = 0x60                                   
   65  goto -> count and pass                      
punt mtu:
   66  call FnGetSmpProcessorId                    
   67  r2 = 0x120                                  
   68  goto -> count and pass                      
punt live-device:
   69  call FnGetSmpProcessorId                    
   70  r2 = 0x140                                  
count and pass:
   71  w0 <<= 0xb                                  
   72  w0 &= 0x800                                 
   73  r3 = &stats[0]                              
   75  r3 += r0                                    
   76  r3 += r2                                    
   77  r2 = *(u64 *)(r3 +0)                        
   78  r2 += 0x1                                   
   79  *(u64 *)(r3 +0) = r2                        
   80  r0 = 0x2                                    
   81  exit                                        
